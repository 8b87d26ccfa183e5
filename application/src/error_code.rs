use std::fmt;

/// Writes each code once: its variant, its public name, and its place in the list of all.
macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// A stable public code. Each has a page in `docs/errors`; codes are added, never changed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])+ $variant,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As clients and operators see it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

codes! {
    /// There is no tenant token.
    TenantTokenMissing = "TENANT_TOKEN_MISSING",
    /// The token was good once.
    TenantTokenExpired = "TENANT_TOKEN_EXPIRED",
    /// Somebody else signed the token.
    TenantTokenInvalidSignature = "TENANT_TOKEN_INVALID_SIGNATURE",
    /// It is no token.
    TenantTokenMalformed = "TENANT_TOKEN_MALFORMED",
    /// The token does not say what it must say.
    TenantTokenInvalidClaims = "TENANT_TOKEN_INVALID_CLAIMS",
    /// Anything else about a token.
    TenantTokenValidationFailed = "TENANT_TOKEN_VALIDATION_FAILED",
    /// Nobody has this client id.
    PartnerClientUnknown = "PARTNER_CLIENT_UNKNOWN",
    /// The partner was switched off.
    PartnerClientInactive = "PARTNER_CLIENT_INACTIVE",
    /// The partner may not ask from there.
    PartnerAddressNotAllowed = "PARTNER_ADDRESS_NOT_ALLOWED",
    /// The timestamp of a signed request is no number.
    PartnerTimestampInvalid = "PARTNER_TIMESTAMP_INVALID",
    /// The timestamp of a signed request is too far from our clock.
    PartnerTimestampOutOfWindow = "PARTNER_TIMESTAMP_OUT_OF_WINDOW",
    /// The signature is not that of the request.
    PartnerSignatureInvalid = "PARTNER_SIGNATURE_INVALID",
    /// The signature was accepted before.
    PartnerSignatureReused = "PARTNER_SIGNATURE_REUSED",
    /// Whoever asks for payloads of the engine does not know the token for it.
    CodecTokenInvalid = "CODEC_TOKEN_INVALID",
    /// No such thing of this tenant, or nothing at this path.
    EntityNotFound = "ENTITY_NOT_FOUND",
    /// The path has other methods.
    MethodNotAllowed = "METHOD_NOT_ALLOWED",
    /// The body stopped coming.
    RequestTimeout = "REQUEST_TIMEOUT",
    /// The connection broke in the middle of the body.
    BodyIncomplete = "BODY_INCOMPLETE",
    /// It contradicts what is stored.
    Conflict = "CONFLICT",
    /// A rule forbids it in the state that it is in.
    BusinessRuleViolation = "BUSINESS_RULE_VIOLATION",
    /// The first request with this key still comes in.
    IdempotencyKeyInUse = "IDEMPOTENCY_KEY_IN_USE",
    /// The upload stood still for too long.
    UploadAbandoned = "UPLOAD_ABANDONED",
    /// The state is not the one the caller saw.
    PreconditionFailed = "PRECONDITION_FAILED",
    /// What was planned would come to something else now.
    OutcomeDiffers = "OUTCOME_DIFFERS",
    /// The file of an export was removed.
    FileExpired = "FILE_EXPIRED",
    /// The file has no such bytes.
    RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE",
    /// Larger than what is accepted.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE",
    /// Another kind of body.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
    /// The request breaks a rule.
    ValidationError = "VALIDATION_ERROR",
    /// The key was used for another request.
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED",
    /// Too many requests.
    RateLimited = "RATE_LIMITED",
    /// The tenant has as many operations, or has sent as many rows, as one may.
    TenantLimit = "TENANT_LIMIT",
    /// A defect of ours.
    InternalServerError = "INTERNAL_SERVER_ERROR",
    /// A part that is needed is down.
    ServiceUnavailable = "SERVICE_UNAVAILABLE",
    /// The work is no longer wanted from this worker. Of activities only, as are the two below.
    Cancelled = "CANCELLED",
    /// The mail server does not answer.
    MailUnreachable = "MAIL_UNREACHABLE",
    /// The mail server put mails off.
    MailDeferred = "MAIL_DEFERRED",
}

impl ErrorCode {
    /// Whether clients of the API see it; the others are of activities.
    pub const fn is_answered(self) -> bool {
        !matches!(self, Self::Cancelled | Self::MailUnreachable | Self::MailDeferred)
    }

    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
