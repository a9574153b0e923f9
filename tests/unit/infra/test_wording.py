"""What is wrong with a field stands beside it in our words, never in those of a library."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError

from infra.problems import field_problems


def loud(value: str) -> str:
    if not value.isupper():
        raise ValueError("say it louder")
    return value


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        (Annotated[str, Field(min_length=3)], "a", "Give at least 3 characters"),
        (Annotated[str, Field(max_length=3)], "abcd", "Keep it to 3 characters"),
        (Annotated[str, Field(pattern="^a$")], "b", "This is not in the form that is asked for"),
        (Literal["yes", "no"], "<b>", "Choose yes or no"),
        (bool, "perhaps", "Say true or false"),
        (int, "1.5e", "Give a whole number"),
        (Decimal, "ten", "Give a number"),
        (Annotated[Decimal, Field(ge=0)], "-1", "Give 0 or more"),
        (Annotated[Decimal, Field(decimal_places=2)], "0.001", "Give at most 2 decimals"),
        (date, "soon", "Give a day, such as 2026-03-31"),
        (AwareDatetime, "soon", "Give a time, such as 2026-03-31T12:00:00Z"),
        (UUID, "x", "This is no id; follow a link instead of writing it"),
        (list[str], "x", "Give a list"),
        (Annotated[list[str], Field(max_length=1)], ["a", "b"], "Give at most 1"),
        (Annotated[str, AfterValidator(loud)], "a", "Say it louder"),
    ],
)
def test_a_wrong_value_is_answered_with_what_to_do(kind: Any, given: Any, says: str):
    class Form(BaseModel):
        field: kind

    with pytest.raises(ValidationError) as refused:
        Form.model_validate({"field": given})
    (problem,) = field_problems(refused.value.errors())
    assert problem["message"] == says


def test_a_missing_value_is_asked_for():
    class Form(BaseModel):
        field: str

    with pytest.raises(ValidationError) as refused:
        Form.model_validate({})
    (problem,) = field_problems(refused.value.errors())
    assert (problem["field"], problem["message"]) == ("field", "Fill this in")
