"""A workflow that imports what no workflow may."""

import sqlalchemy
from temporalio import workflow


@workflow.defn
class ImportsTheDatabase:
    """Would carry a whole database library through every replay."""

    @workflow.run
    async def run(self) -> str:
        return sqlalchemy.__version__
