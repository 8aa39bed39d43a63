"""A model that is a calculator: right on written arithmetic, and no use for anything else.

It is not a language model. It answers at an OpenAI-compatible endpoint, by rules so plain that
its score is known before it is asked, and so a demo that shows another score is broken:

- A question that holds an expression, such as `What is (18 + 6) / 4?`, is computed exactly.
- If the question offers choices, `A) 5` and so on, it answers with the letter of the result.
- Whatever has no expression in it, arithmetic in words included, is refused.

Run it alone with `python -m examples.demo.calculator` and point any client at its URL.
"""

from __future__ import annotations

import ast
import json
import operator
import re
import time
from fractions import Fraction
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "calculator"
REFUSAL = "I am a calculator. I cannot answer that."

_SIGNS = str.maketrans({"\N{MULTIPLICATION SIGN}": "*", "\N{DIVISION SIGN}": "/"})
_EXPRESSION = re.compile(r"[(\s]*\d[\d.\s()]*(?:[-+*/][\s(]*\d[\d.\s()]*)+")
_CHOICE = re.compile(r"^([A-Z])\) (.+)$", re.MULTILINE)
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def answer(prompt: str) -> str:
    """Return what the calculator says to a prompt."""
    question, _, rest = prompt.partition("\n")
    found = _EXPRESSION.search(question.translate(_SIGNS))
    if found is None:
        return REFUSAL
    try:
        value = _value(ast.parse(found[0].strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError):
        return REFUSAL
    choices = _CHOICE.findall(rest)
    if not choices:
        return _written(value)
    letters = (letter for letter, text in choices if _is_number(text) and Fraction(text) == value)
    return next(letters, REFUSAL)


class Calculator:
    """Serve the calculator on a free loopback port for as long as a block runs."""

    def __init__(self, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._send(HTTPStatus.NOT_FOUND, _error(f"there is nothing at {self.path}"))
            return
        models = [{"id": NAME, "object": "model", "owned_by": "the EvalHub SDK's demo"}]
        self._send(HTTPStatus.OK, {"object": "list", "data": models})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/v1/chat/completions":
            self._send(HTTPStatus.NOT_FOUND, _error(f"there is nothing at {self.path}"))
            return
        try:
            prompt = str(json.loads(body)["messages"][-1]["content"])
        except (ValueError, LookupError, TypeError):
            self._send(HTTPStatus.BAD_REQUEST, _error("messages must end with one that has text"))
            return
        self._send(HTTPStatus.OK, _completion(prompt, answer(prompt)))

    def log_message(self, *_: object) -> None:
        """Say nothing: the demo's output is for its reader."""

    def _send(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _value(node: ast.expr) -> Fraction:
    match node:
        case ast.BinOp(left=left, op=sign, right=right):
            return _OPERATORS[type(sign)](_value(left), _value(right))
        case ast.Constant(value=int() | float() as number):
            return Fraction(str(number))
        case _:
            raise ValueError(f"not arithmetic: {ast.unparse(node)}")


def _written(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else str(float(value))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", text) is not None


def _completion(prompt: str, text: str) -> dict[str, Any]:
    asked, said = len(prompt.split()), len(text.split())
    return {
        "id": f"chatcmpl-{time.time_ns()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": NAME,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        },
    }


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error"}}


if __name__ == "__main__":
    with Calculator(port=8399) as calculator:
        print(f"calculator: {calculator.url}  (Ctrl-C stops it)")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            print()
