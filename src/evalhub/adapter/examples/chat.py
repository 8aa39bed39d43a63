"""Compatibility: `evalhub.adapter.chat` by the name it had when it was the example's alone."""

from __future__ import annotations

from evalhub.adapter.chat import ChatModel, ChatReply, chat_url

__all__ = ["ChatModel", "ChatReply", "chat_url"]
