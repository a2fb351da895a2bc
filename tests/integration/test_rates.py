"""The limit on image starts, with every process for itself."""

from pathlib import Path
from typing import Any

from tests.support.eventually import eventually
from tests.support.product import Product, running_product


async def limit_of(product: Product) -> dict[str, Any]:
    response = await product.api.get("/api/rates")
    assert response.status_code == 200, response.text
    return dict(response.json()["images_per_minute"])


async def test_a_changed_limit_outlives_every_process(tmp_path: Path) -> None:
    """It comes before the setting until it is taken back; sessions are finished under the one and the other."""
    async with running_product(tmp_path, settings={"RETAKES_IMAGES_PER_MINUTE": "0.01"}) as product:
        set_at_start = await limit_of(product)
        waiting = await product.start_images()
        assert (await product.api.put("/api/rates", json={"images_per_minute": 6000})).status_code == 200
        finished = await product.settled(waiting)
        await product.kill("worker", "api", "temporal")
        await product.start("temporal")
        await product.start("worker", "api")
        changed = await limit_of(product)
        finished_afterwards = await product.settled(await product.start_images())
        await product.api.put("/api/rates", json={"images_per_minute": None})
        taken_back = await limit_of(product)
        held_back = await product.start_images()

        async def some_wait() -> bool:
            return bool((await limit_of(product))["backlog"])

        await eventually(some_wait)
        session = await product.session(held_back)

    assert {"limit": 0.01, "source": "setting", "burst": 2, "backlog": 0} == set_at_start
    assert (6000.0, "changed", 101) == (changed["limit"], changed["source"], changed["burst"])
    assert (0.01, "setting") == (taken_back["limit"], taken_back["source"])
    assert ["complete", "complete"] == [finished["status"], finished_afterwards["status"]]
    assert session["counts"]["pending"] > 0
