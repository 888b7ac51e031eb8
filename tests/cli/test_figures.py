"""How commands print what others wrote."""

from __future__ import annotations

from launchworthy.cli.figures import printable


def test_texts_of_others_stay_on_one_line_as_words_and_move_no_cursor() -> None:
    assert printable("Input X contains NaN.\nSee\tthe manual") == "Input X contains NaN. See the manual"
    assert printable("\x1b[2Jgone\u202e") == "�[2Jgone�"
    assert printable("a\n" * 100, most=10) == "a a a a a…"
