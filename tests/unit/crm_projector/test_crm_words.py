"""Words of the pages: lengths of time as a reader writes them."""

import pytest
from babel import Locale

from services.crm_projector import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        ("0.42", "0.4 seconds"),
        ("90", "90 seconds"),
        ("120", "2 minutes"),
        ("7199", "120 minutes"),
        ("9000", "2.5 hours"),
        ("172799", "48 hours"),
        ("216000", "2.5 days"),
        ("-5", "-5 seconds"),
    ],
)
def test_a_length_of_time_is_said_in_the_largest_unit_that_leaves_two(seconds, said):
    assert words.lasting(seconds, Locale("en", "GB")) == said


def test_a_length_of_time_is_written_as_its_reader_does():
    assert words.lasting("9000", Locale("de")) == "2,5 Stunden"
