"""Twenty sums, one in five written in words: a task that needs no network."""

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

NAMES = ("one", "two", "three", "four")


@task
def sums() -> Task:
    samples = [
        Sample(id=n, input=f"What is {n + 3} + {2 * n + 1}?", target=str(3 * n + 4))
        for n in range(16)
    ]
    samples += [
        Sample(id=f"{name}-and-two", input=f"What is {name} and two?", target=str(n + 2))
        for n, name in enumerate(NAMES, start=1)
    ]
    return Task(dataset=samples, solver=generate(), scorer=match(numeric=True))
