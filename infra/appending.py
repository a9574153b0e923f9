"""Many commands in one statement: all of a command's facts or none, and no command for another's.

The statement drops a command whole, if a stream that it was decided on has grown or its id was
carried out before. What another process writes in the same moment breaks a unique index, and then
nothing is written: so no command is ever written in part.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg_pool import ConnectionPool

from contracts.errors import Unavailable
from infra.postgres import PgConnection, reachable
from infra.recorder import FACT_COLUMNS, FACT_TYPES, PostgresRecorder, StoredFact, columns_of
from infra.rows import CommandRepeated, LostRace, only_facts, told, write_rows
from infra.work import Work


@dataclass(frozen=True, slots=True)
class Command:
    """A work ready to be written: its facts as rows, and the versions of the streams it read."""

    work: Work
    rows: Sequence[StoredFact]
    stands_on: Mapping[str, int]

    @property
    def command_id(self) -> str:
        """The id that is carried out once."""
        return self.work.cause.command_id

    def appends_only_to_what_it_read(self) -> bool:
        """Say whether the unique indexes alone guard all that the decision stands on."""
        return self.stands_on.keys() == {row.originator_id for row in self.rows}


# LIMIT keeps every check a look into an index, whatever the planner thinks of the table's size.
APPEND = f"""
WITH late AS (
    SELECT command
    FROM unnest(%b::int[], %b::text[], %b::int[]) AS stands (command, stream, version)
    CROSS JOIN LATERAL (
        SELECT FROM events WHERE events.stream = stands.stream
        AND events.version = stands.version LIMIT 1) AS grown
    UNION
    SELECT command FROM unnest(%b::int[], %b::text[]) AS ids (command, command_id)
    CROSS JOIN LATERAL (
        SELECT FROM events WHERE events.command_id = ids.command_id
        AND events.ordinal = 0 LIMIT 1) AS repeated
), written AS (
    INSERT INTO events ({FACT_COLUMNS})
    SELECT stream, version, topic, state, deal_id, meta::jsonb, command_id, ordinal
    FROM unnest(%b::int[], {FACT_TYPES}) WITH ORDINALITY
         AS asked (command, {FACT_COLUMNS}, place)
    WHERE command NOT IN (SELECT command FROM late)
    ORDER BY place
)
SELECT command FROM late
"""  # noqa: S608, our own constants


def append(connection: PgConnection, commands: Sequence[Command]) -> set[int]:
    """Write the facts of commands; returns the places of those that came too late.

    Raises: psycopg's UniqueViolation, if another process wrote one of them just now; then nothing
    is written.
    """
    stands = [
        (place, stream, version + 1)
        for place, command in enumerate(commands)
        for stream, version in command.stands_on.items()
    ]
    params = (
        *map(list, zip(*stands, strict=True)),
        list(range(len(commands))),
        [command.command_id for command in commands],
        [place for place, command in enumerate(commands) for _ in command.rows],
        *columns_of(*rows_of(commands)),
    )
    found = connection.execute(APPEND, params, prepare=True).fetchall()
    return {row[0] for row in found}


def rows_of(commands: Sequence[Command]) -> tuple[list[StoredFact], list[tuple[str, int]]]:
    """Return the rows of commands, and the unique key of each: command id and ordinal."""
    return (
        [row for command in commands for row in command.rows],
        [(each.command_id, ordinal) for each in commands for ordinal in range(len(each.rows))],
    )


class CommandWriter:
    """Writes commands of one service: facts-only ones together, each of the others alone."""

    def __init__(self, pool: ConnectionPool[PgConnection], recorder: PostgresRecorder) -> None:
        self._pool = pool
        self._recorder = recorder

    def together(self, commands: Sequence[Command]) -> Sequence[Exception | None]:
        """Write commands that have only facts; returns what became of each.

        Raises: Unavailable, if the database went away: any of them may be written.
        """
        outcomes: list[Exception | None] = [None] * len(commands)
        early, late = first_come(commands)
        for place in late:
            outcomes[place] = LostRace("another command of the same moment was first")
        chosen = [commands[place] for place in early]
        try:
            lost = self._together(chosen)
        except (LostRace, CommandRepeated, psycopg.DatabaseError):
            # One of them is at fault, or another process writes the same right now.
            lost = {}
            for place, command in enumerate(chosen):
                if fault := self._outcome(command):
                    lost[place] = fault
        for place, fault in lost.items():
            outcomes[early[place]] = fault
        return outcomes

    def _together(self, commands: Sequence[Command]) -> dict[int, Exception]:
        """Write those that are in time; returns an error at the place of each that is late.

        Raises: psycopg's error or LostRace, if nothing is written.
        """
        if len(commands) == 1:
            self.alone(commands[0])
            return {}
        with reachable(), self._pool.connection() as connection:
            if all(each.appends_only_to_what_it_read() for each in commands):
                # Mostly nobody is late: the unique indexes are all the check that this needs.
                with suppress(psycopg.errors.UniqueViolation):
                    self._recorder.write(connection, *rows_of(commands))
                    return {}
            late = append(connection, commands)
        return {place: LostRace("somebody else was faster on a stream") for place in late}

    def _outcome(self, command: Command) -> Exception | None:
        try:
            self.alone(command)
        except (LostRace, CommandRepeated, Unavailable, psycopg.DatabaseError) as fault:
            return fault
        return None

    def alone(self, command: Command) -> None:
        """Write one command with everything beside its facts, in a transaction of its own.

        Raises: LostRace, CommandRepeated; Unavailable, and then it may be written.
        """
        with reachable(), self._pool.connection() as connection:
            try:
                if only_facts(command.work):
                    self._facts(connection, command)
                    return
                with connection.pipeline(), connection.transaction():
                    self._facts(connection, command)
                    write_rows(connection, command.work)
            except psycopg.DatabaseError as fault:
                raise told(fault) from fault

    def _facts(self, connection: PgConnection, command: Command) -> None:
        if command.appends_only_to_what_it_read():
            self._recorder.write(connection, *rows_of([command]))
        elif append(connection, [command]):
            raise LostRace("somebody else was faster on a stream it was decided on")


def first_come(commands: Sequence[Command]) -> tuple[list[int], list[int]]:
    """Part the places of commands into those that may go together and those that lost to them.

    Who reads what an earlier one of the same batch writes, or bears its id, was decided too early.
    """
    grown: set[str] = set()
    ids: set[str] = set()
    early: list[int] = []
    late: list[int] = []
    for place, command in enumerate(commands):
        if command.command_id in ids or not grown.isdisjoint(command.stands_on):
            late.append(place)
            continue
        early.append(place)
        ids.add(command.command_id)
        grown.update(_streams(command.rows))
    return early, late


def _streams(rows: Iterable[StoredFact]) -> Iterable[str]:
    return (str(row.originator_id) for row in rows)
