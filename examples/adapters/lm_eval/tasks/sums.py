"""Twenty sums, one in five written in words: a task that needs no network."""

from datasets import Dataset

NAMES = ("one", "two", "three", "four")


def load(**_: object) -> dict[str, Dataset]:
    rows = [
        {"question": f"What is {n + 3} + {2 * n + 1}?", "answer": str(3 * n + 4)} for n in range(16)
    ]
    rows += [
        {"question": f"What is {name} and two?", "answer": str(n + 2)}
        for n, name in enumerate(NAMES, start=1)
    ]
    return {"test": Dataset.from_list(rows)}
