"""Writers of the storm, in a module that a process of their own can import."""

import random

import psycopg

from infra.sessions import options

BATCH = 5


def write(dsn: str, seed: int, count: int) -> None:
    """Insert rows, some slowly at their commit, one in ten rolled back, storms of rollbacks between."""
    chance = random.Random(seed)
    with psycopg.connect(dsn, autocommit=True, options=options("public")) as connection:
        done = 0
        while done < count:
            storm = 20 if chance.random() < 0.005 else 1
            for _ in range(storm):
                undone = storm > 1 or chance.random() < 0.1
                with connection.transaction(force_rollback=undone):
                    connection.execute(
                        "INSERT INTO events (name) SELECT %s FROM generate_series(1, %s)",
                        (f"{seed}", BATCH),
                    )
                done += 0 if undone else BATCH
