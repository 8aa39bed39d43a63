"""`evalhub completion`: scripts for the shells."""

from __future__ import annotations

import click

from evalhub.cli.options import examples
from evalhub.cli.output import write

__all__ = ["completion"]

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName evalhub -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:COMP_WORDS = $commandAst.ToString()
    $env:COMP_CWORD = $commandAst.CommandElements.Count - [int]($wordToComplete -ne '')
    $env:_EVALHUB_COMPLETE = 'bash_complete'
    evalhub 2>$null | ForEach-Object {
        $value = $_.Split(',', 2)[1]
        New-Object System.Management.Automation.CompletionResult $value
    }
    Remove-Item Env:_EVALHUB_COMPLETE, Env:COMP_WORDS, Env:COMP_CWORD
}
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
@click.pass_context
@examples(
    "evalhub completion bash > ~/.local/share/bash-completion/completions/evalhub",
    "evalhub completion zsh > ~/.zfunc/_evalhub",
)
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL, which offers the service's ids as well."""
    if shell == "powershell":
        write(_POWERSHELL)
        return
    from click.shell_completion import BashComplete, get_completion_class

    class Bash(BashComplete):
        # Asking which bash there is fails where none is installed.
        @staticmethod
        def _check_version() -> None:
            return

    kind = Bash if shell == "bash" else get_completion_class(shell)
    if kind is not None:
        found = kind(ctx.find_root().command, {}, "evalhub", "_EVALHUB_COMPLETE")
        write(found.source() + "\n")
