"""``python -m hearsight``, and the command ``hearsight``."""

from __future__ import annotations

from hearsight.large_pages import begin_with_large_pages


def main() -> None:
    """Entry point of the command ``hearsight``."""
    begin_with_large_pages()
    # Only now: what is imported before is imported twice.
    from hearsight import cli

    cli.main()


if __name__ == "__main__":
    main()
