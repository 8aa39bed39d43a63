"""What a message or an observation consists of: text, images, audio."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from evalhub.models._base import Model

__all__ = [
    "AudioMediaType",
    "AudioMediaTypeInput",
    "AudioSource",
    "ContentPart",
    "ImageSource",
]

AudioMediaType: TypeAlias = Literal[
    "audio/wav",
    "audio/mpeg",
    "audio/mp4",
    "audio/aac",
    "audio/ogg",
    "audio/flac",
    "audio/webm",
    "audio/aiff",
]
"""The media types of audio that the format has."""

AudioMediaTypeInput: TypeAlias = (
    AudioMediaType
    | Literal[
        "audio/mp3",
        "audio/mpga",
        "audio/x-mpeg",
        "audio/x-wav",
        "audio/wave",
        "audio/vnd.wave",
        "audio/x-m4a",
        "audio/m4a",
        "audio/x-aac",
        "audio/x-flac",
        "audio/x-aiff",
    ]
)
"""The media types of audio that are accepted: those of the format, and other names for them."""

_SAME_AUDIO = {
    "audio/mp3": "audio/mpeg",
    "audio/mpga": "audio/mpeg",
    "audio/x-mpeg": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
}


def _one_name(media_type: Any) -> Any:
    if not isinstance(media_type, str):
        return media_type
    name = media_type.strip().lower()
    return _SAME_AUDIO.get(name, name)


class ImageSource(Model):
    """Where an image is."""

    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    path: str
    """A path relative to the trajectory's file, or a URL."""


class AudioSource(Model):
    """Where a recording is."""

    media_type: Annotated[AudioMediaTypeInput, BeforeValidator(_one_name)]
    path: str
    """A path relative to the trajectory's file, or a URL."""

    duration_sec: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class ContentPart(Model):
    """One piece of a message: `text`, or an image or a recording in `source`."""

    type: Literal["text", "image", "audio"]
    text: str | None = None
    source: ImageSource | AudioSource | None = None

    @model_validator(mode="after")
    def _has_what_its_type_says(self) -> Self:
        if self.type == "text":
            if self.text is None:
                raise ValueError("a part of type text needs a text")
            if self.source is not None:
                raise ValueError("a part of type text must not have a source")
            return self
        if self.text is not None:
            raise ValueError(f"a part of type {self.type} must not have a text")
        kind = ImageSource if self.type == "image" else AudioSource
        if not isinstance(self.source, kind):
            raise ValueError(f"a part of type {self.type} needs a source of that kind")  # noqa: TRY004
        return self
