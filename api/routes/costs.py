"""Money: estimates before a start, costs afterwards, and the prices."""

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Response
from pydantic import AfterValidator, Field, StringConstraints

from api.cost_sheet import cost_sheet
from api.openapi import problems
from api.services import TheServices
from sessions.costs import DEFAULT_ROWS, MOST_ROWS, CostBy, CostReport, valid_boundary
from sessions.estimates import Estimate, EstimateRequest
from sessions.model import RequestModel
from sessions.pricing import PriceTable

router = APIRouter(prefix="/api", tags=["costs"])

CSV: Final = "text/csv"

_PATH: Final = "/api/costs"
_QUALITY: Final = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.IGNORECASE)

Boundary = Annotated[str, StringConstraints(max_length=40), AfterValidator(valid_boundary)]


class CostsQuery(RequestModel):
    """Which costs to sum up."""

    begin: Boundary | None = Field(
        default=None,
        alias="from",
        description="A day in UTC or a moment; without it, the beginning of the month in which the period ends.",
    )
    end: Boundary | None = Field(
        default=None,
        alias="to",
        description="A day in UTC, included, or a moment, excluded; without it, the end of the current month.",
    )
    by: CostBy = CostBy.DAY
    format: Literal["json", "csv"] | None = Field(default=None, description="Instead of an Accept header.")
    limit: int = Field(default=DEFAULT_ROWS, ge=1, le=MOST_ROWS, description="Of models or sessions.")
    cursor: Annotated[str, Field(min_length=1, max_length=400, description="The last page's next_cursor.")] | None = (
        None
    )


@router.post("/estimate", responses=problems(413, 415), summary="Estimate what a session would cost")
async def estimate(request: EstimateRequest, services: TheServices) -> Estimate:
    """Take the body of a start and its `kind`, and tell what it would cost. Nothing is started."""
    return await services.costs.estimate(request)


@router.get(
    "/costs",
    response_model=CostReport,
    response_model_exclude_unset=True,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}, **problems()},
    summary="Sum up costs",
)
async def costs(
    query: Annotated[CostsQuery, Query()],
    services: TheServices,
    response: Response,
    accept: Annotated[str | None, Header(description="`text/csv` for CSV.")] = None,
) -> Response | CostReport:
    """Return what attempts that began in a period have used and cost. By model or session, the dearest come first."""
    report = await services.costs.report(
        begin=query.begin, end=query.end, by=query.by, limit=query.limit, cursor=query.cursor
    )
    headers = {"Vary": "Accept", "Cache-Control": "private, no-store"}
    if report.next_cursor is not None:
        headers["Link"] = f'<{_next_page(query, cursor=report.next_cursor)}>; rel="next"'
    if query.format == "csv" or (query.format is None and _prefers_csv(accept or "")):
        headers["Content-Disposition"] = f'attachment; filename="costs_by_{report.by}.csv"'
        return Response(cost_sheet(report), headers=headers, media_type=CSV)
    response.headers.update(headers)
    return report


@router.get("/prices", responses=problems(), summary="Read the price table")
async def prices(services: TheServices) -> PriceTable:
    """Return the prices in use, in US dollars per million tokens, and the day on which they were looked up."""
    return services.costs.prices


def _next_page(query: CostsQuery, *, cursor: str) -> str:
    asked = query.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    return f"{_PATH}?{urlencode({**asked, 'cursor': cursor})}"


def _prefers_csv(accept: str) -> bool:
    """Whether a client would rather have CSV than JSON; one that takes anything gets JSON."""
    wanted = {"application/json": 0.0, CSV: 0.0}
    for part in accept.split(","):
        media_type, _, _ = part.partition(";")
        if (name := media_type.strip().lower()) in wanted:
            quality = _QUALITY.search(part)
            wanted[name] = float(quality[1]) if quality else 1.0
    return wanted[CSV] > wanted["application/json"]
