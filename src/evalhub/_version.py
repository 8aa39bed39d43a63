"""The version of the package, which its distribution takes from here."""

__version__ = "2.0.0a1"
