"""`evalhub completion`: scripts that complete commands, options and ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName evalhub -ScriptBlock {
    param($word, $line, $cursor)
    $env:_EVALHUB_COMPLETE = "zsh_complete"
    $env:COMP_WORDS = $line.ToString()
    $env:COMP_CWORD = $line.CommandElements.Count - 1
    evalhub | ForEach-Object { $_ } | Where-Object { $_ -like "$word*" }
    Remove-Item Env:_EVALHUB_COMPLETE
}
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      evalhub completion bash > ~/.local/share/bash-completion/completions/evalhub
      evalhub completion zsh > ~/.zfunc/_evalhub
      evalhub completion fish > ~/.config/fish/completions/evalhub.fish
    """
    if shell == "powershell":
        click.echo(_POWERSHELL)
        return
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click knows the three
        raise click.UsageError(f"there is no completion for {shell}")
    from evalhub.cli._root import root

    click.echo(kind(root, {}, "evalhub", "_EVALHUB_COMPLETE").source())
