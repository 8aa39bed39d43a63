def table(task, runs):
    out = []
    for (name, size), r in sorted(runs.items(), key=lambda kv: (kv[0][1], kv[0][0])):
        out.append(
            f"{task.title.format(size):45} {name:22} "
            + " ".join(f"{k}={v:.3g}" for k, v in r._asdict().items())
        )
    return out


def write(*a): ...
def draw(*a): ...
