"""A workflow that reads the machine's clock."""

import datetime

from temporalio import workflow


@workflow.defn
class ReadsTheClock:
    """Would come to another result whenever it is replayed."""

    @workflow.run
    async def run(self) -> str:
        return datetime.datetime.now(datetime.UTC).isoformat()
