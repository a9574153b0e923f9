"""Many commands in one statement: all of a command's facts or none, and no command for another's.

The statement drops a command whole, if a stream that it was decided on has grown or its id was
carried out before. What another process writes in the same moment breaks a unique index, and then
nothing is written: so no command is ever written in part.
"""

from collections.abc import Iterable, Mapping, Sequence
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

    @property
    def keys(self) -> list[tuple[str, int]]:
        """The unique key of each of its facts: command id and ordinal."""
        return [(self.command_id, ordinal) for ordinal in range(len(self.rows))]

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
    rows = [row for command in commands for row in command.rows]
    keys = [key for command in commands for key in command.keys]
    params = (
        *map(list, zip(*stands, strict=True)),
        list(range(len(commands))),
        [command.command_id for command in commands],
        [place for place, command in enumerate(commands) for _ in command.rows],
        *columns_of(rows, keys),
    )
    found = connection.execute(APPEND, params, prepare=True).fetchall()
    return {row[0] for row in found}


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
        try:
            if len(early) == 1:
                self.alone(commands[early[0]])
                return outcomes
            with reachable(), self._pool.connection() as connection:
                lost = append(connection, [commands[place] for place in early])
        except (LostRace, CommandRepeated, psycopg.DatabaseError):
            # One of them is at fault, or another process writes the same right now.
            for place in early:
                outcomes[place] = self._outcome(commands[place])
            return outcomes
        for place in lost:
            outcomes[early[place]] = LostRace("somebody else was faster on this stream")
        return outcomes

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
            self._recorder.write(connection, command.rows, command.keys)
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
