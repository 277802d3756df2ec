"""Settings of one process, read from environment variables and checked before anything starts."""

import json
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.common.errors import SettingsError

SERVICES = ("intake", "review", "funding", "notify")
SCHEMAS = (*SERVICES, "workflows")


class Issuer(BaseModel):
    """One OpenID Connect provider whose access tokens are accepted. Claim names may be paths (`a.b`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(min_length=1)
    audience: str = Field(min_length=1)
    jwks_url: str = Field(min_length=1)
    algorithms: tuple[Literal["RS256", "ES256"], ...] = Field(default=("RS256",), min_length=1)
    roles_claim: str = "roles"
    organisation_claim: str = "org"
    name_claim: str = "name"
    email_claim: str = "email"


def _from_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("must be JSON on one line") from None


class Settings(BaseSettings):
    """All settings; secrets of other services stay empty in a process that does not need them."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"

    postgres_host: str
    postgres_port: int = Field(ge=1, le=65535)
    postgres_db: str = "innoflyt"
    intake_owner_password: str = Field(default="", repr=False)
    intake_app_password: str = Field(default="", repr=False)
    review_owner_password: str = Field(default="", repr=False)
    review_app_password: str = Field(default="", repr=False)
    funding_owner_password: str = Field(default="", repr=False)
    funding_app_password: str = Field(default="", repr=False)
    notify_owner_password: str = Field(default="", repr=False)
    notify_app_password: str = Field(default="", repr=False)
    workflows_owner_password: str = Field(default="", repr=False)
    workflows_app_password: str = Field(default="", repr=False)
    inspector_password: str = Field(default="", repr=False)

    kafka_bootstrap: str = Field(pattern=r"^[^:,\s]+:\d+(,[^:,\s]+:\d+)*$")
    temporal_address: str = Field(pattern=r"^[^:,\s]+:\d+$")
    temporal_namespace: str = "innoflyt"

    s3_endpoint: str = Field(pattern=r"^[^/\s]+$")
    s3_secure: bool = False
    s3_access_key: str = Field(default="", repr=False)
    s3_secret_key: str = Field(default="", repr=False)
    s3_quarantine_bucket: str = "quarantine"
    s3_documents_bucket: str = "documents"
    s3_anchor_bucket: str = "audit-anchors"

    clamd_host: str = "127.0.0.1"
    clamd_port: int = Field(default=3310, ge=1, le=65535)

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    smtp2_host: str = ""
    smtp2_port: int = Field(default=1025, ge=1, le=65535)
    mail_from: str = "innoflyt@helse-midt.test"
    portal_url: str = "http://portal.innoflyt.test"

    oidc_issuers: Annotated[tuple[Issuer, ...], NoDecode, BeforeValidator(_from_json)] = Field(min_length=1)
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_from_json)] = ()

    intake_host: str = "127.0.0.1"
    intake_port: int = Field(default=8101, ge=0, le=65535)
    review_host: str = "127.0.0.1"
    review_port: int = Field(default=8102, ge=0, le=65535)
    funding_host: str = "127.0.0.1"
    funding_port: int = Field(default=8103, ge=0, le=65535)
    notify_host: str = "127.0.0.1"
    notify_port: int = Field(default=8104, ge=0, le=65535)

    # Requests of one person: a full bucket for a hasty hour, refilled at a pace no honest user reaches.
    rate_burst: int = Field(default=300, ge=1)
    rate_per_second: float = Field(default=20.0, gt=0)
    max_body_bytes: int = Field(default=1_000_000, ge=1_000)

    failpoint: str = ""
    failpoint_log: str = ""

    @model_validator(mode="after")
    def _production_is_strict(self) -> Self:
        if self.environment == "production":
            for issuer in self.oidc_issuers:
                if not (issuer.issuer.startswith("https://") and issuer.jwks_url.startswith("https://")):
                    raise ValueError("OIDC_ISSUERS: in production every issuer and jwks_url must be https")
            if self.failpoint:
                raise ValueError("FAILPOINT: must be empty in production")
        return self

    def password(self, schema: str, role: Literal["owner", "app"]) -> str:
        """Password of the database role `<schema>_<role>`; SettingsError when it is not set."""
        return self._secret(f"{schema}_{role}_password")

    def required_inspector_password(self) -> str:
        """Password of the read-only role `inspector`; SettingsError when it is not set."""
        return self._secret("inspector_password")

    def address(self, service: str) -> tuple[str, int]:
        """Host and port on which the API of this service listens."""
        return getattr(self, f"{service}_host"), getattr(self, f"{service}_port")

    def _secret(self, field: str) -> str:
        value: str = getattr(self, field)
        if not value:
            raise SettingsError(f"{field.upper()} is not set: give it the password of that role")
        return value


def load() -> Settings:
    """Settings from the environment; SettingsError names each missing or wrong variable and the remedy."""
    try:
        return Settings()  # its arguments are the environment
    except ValidationError as error:
        wrong = [_explain(problem) for problem in error.errors(include_url=False, include_input=False)]
        raise SettingsError("; ".join(wrong)) from error


def _explain(problem: ErrorDetails) -> str:
    variable, *path = (str(part) for part in problem["loc"] or ("",))
    name = ".".join([variable.upper(), *path])
    said = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{name} is not set: copy its line from .env.example"
    return f"{name}: {said} (compare with .env.example)" if name else said
