"""Images as `Dockerfile.example` and the adapters' Containerfiles describe them.

No registry of images is asked: the files' base is replaced by a Debian that debootstrap makes once
(kept below `build/pod`), and `eval-hub-sdk` by a wheel of this tree.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from examples.adapters.environments import torch_for_cpu
from support.pods.program import ROOT, run, unmount_below
from support.process import find

if TYPE_CHECKING:
    from support.pods.program import Store

SUITE = "bookworm"
_INCLUDED = ("ca-certificates", "faketime", "python3", "python3-pip")
_USELESS = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt")
_BASE = """\
FROM scratch
COPY root /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN rm /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python
"""
_SIDECAR = """\
FROM scratch
COPY eval-runtime-sidecar /app/eval-runtime-sidecar
USER 1001
ENTRYPOINT ["/app/eval-runtime-sidecar"]
"""

_WHEELS = "/run/evalhub-wheels"
_PIP_CONF = "/etc/pip.conf"
_UV_TOML = "/etc/uv/uv.toml"


class Images:
    """Builds images and pushes them to a registry.

    Args:
        store: Where they are built.
        registry: Host and port of the registry they are pushed to.
        folder: An empty folder, for wheels and configuration.
    """

    def __init__(self, store: Store, registry: str, folder: Path) -> None:
        self._store = store
        self._registry = registry
        self._folder = folder
        self._mounts = self._make_mounts()

    def build(self, name: str, containerfile: Path, context: Path) -> str:
        """Build an image on the Debian base, push it, and return its name in the registry."""
        options = [f"--volume={outside}:{inside}:ro" for outside, inside in self._mounts.items()]
        if torch_for_cpu() is not None:  # then it need not come from where the file says
            index = _pip_settings().get("index-url", ["https://pypi.org/simple"])
            options.append(f"--build-arg=TORCH_INDEX={index[0]}")
        return self._build(name, containerfile, context, "--from", self.base(), *options)

    def sidecar(self) -> str:
        """Build an image of nothing but the service's sidecar, push it, and return its name."""
        with TemporaryDirectory(dir=self._folder) as name:
            context = Path(name)
            shutil.copy(find("eval-runtime-sidecar"), context)
            (context / "Containerfile").write_text(_SIDECAR)
            return self._build("sidecar", context / "Containerfile", context)

    def base(self) -> str:
        """Return the Debian base, made if it is not there."""
        recipe = "\n".join((SUITE, *_INCLUDED, *_USELESS, _BASE))
        image = f"localhost/debian:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
        if image not in self._store.buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
            self._make_base(image)
        return image

    def _make_base(self, image: str) -> None:
        context = self._store.graph.parent / "debian"
        _remove(context)  # of a run that was killed
        context.mkdir()
        try:
            include = f"--include={','.join(_INCLUDED)}"
            run("debootstrap", "--variant=minbase", include, SUITE, context / "root")
            for useless in _USELESS:
                shutil.rmtree(context / "root" / useless)
            (context / "Containerfile").write_text(_BASE)
            self._bud(image, context / "Containerfile", context)
        finally:
            _remove(context)

    def _build(self, name: str, containerfile: Path, context: Path, *options: str) -> str:
        image = f"{self._registry}/{name}:test"
        self._bud(image, containerfile, context, *options)
        # Compression saves nothing on the way to this machine.
        self._store.buildah("push", "--tls-verify=false", "--disable-compression", image)
        self._store.buildah("rmi", image)
        return image

    def _bud(self, image: str, containerfile: Path, context: Path, *options: str) -> None:
        self._store.buildah(
            *("build", "--isolation=chroot", "--pull-never", "--layers=false"),
            *options,
            *("--tag", image, "--file", str(containerfile), str(context)),
        )

    def _make_mounts(self) -> dict[Path, str]:
        """Return what gives pip and uv in a build the packages they get outside, and our wheel."""
        wheels = self._folder / "wheels"
        run(sys.executable, "-m", "build", "--wheel", "--outdir", wheels, ROOT)
        [wheel] = wheels.glob("*.whl")
        wheel_here = f"eval-hub-sdk @ file://{_WHEELS}/{wheel.name}"
        constraints = [wheel_here]
        if (torch := torch_for_cpu()) is not None:
            constraints.append(f"torch=={torch}")
        (wheels / "constraints.txt").write_text("\n".join([*constraints, ""]))
        settings = _pip_settings()
        mounts = {
            path: str(path) for key, values in settings.items() for path in _paths(key, values)
        }
        pip = {**settings, "constraint": [f"{_WHEELS}/constraints.txt"]}
        lines = [f"{key} = {' '.join(values)}" for key, values in pip.items()]
        (self._folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
        uv = {
            "constraint-dependencies": f"['{wheel_here}']",
            "system-certs": "true",
            "find-links": str(settings.get("find-links", [])),
        }
        lines = [f"{key} = {value}" for key, value in uv.items()]
        (self._folder / "uv.toml").write_text("\n".join([*lines, ""]))
        return {
            **mounts,
            wheels: _WHEELS,
            self._folder / "pip.conf": _PIP_CONF,
            self._folder / "uv.toml": _UV_TOML,
        }


def _remove(folder: Path) -> None:
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _pip_settings() -> dict[str, list[str]]:
    """Return where pip gets packages from on this machine, from its configuration."""
    wanted = {"cert", "extra-index-url", "find-links", "index-url", "proxy", "trusted-host"}
    settings: dict[str, list[str]] = {}
    for line in run(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        key = re.split(r"[.:]", name)[-1]
        if key in wanted:
            settings[key] = str(ast.literal_eval(value)).split()
    return settings


def _paths(key: str, values: list[str]) -> list[Path]:
    """Return the files and folders of this machine that a setting of pip names."""
    found = [Path(unquote(urlsplit(value).path)) for value in values if _is_local(value)]
    # An index refers to files that lie beside it.
    found = [path.parent if key.endswith("index-url") else path for path in found]
    return [path for path in found if path.exists()]


def _is_local(value: str) -> bool:
    return value.startswith(("file:", os.sep))
