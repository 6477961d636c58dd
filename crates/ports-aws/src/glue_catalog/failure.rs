//! What a failed request means: refused for sure, or perhaps carried out.
//!
//! Only what AWS itself refused, and what was never sent, counts as refused. All else leaves the outcome open:
//! who takes a swap that was made for one that was not deletes the table's metadata file.

use std::error::Error;
use std::fmt::{Display, Write};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_glue::error::{ProvideErrorMetadata, SdkError};
use weir_ports::catalog::CatalogError;

pub(super) const ENTITY_NOT_FOUND: &str = "EntityNotFoundException";
pub(super) const ALREADY_EXISTS: &str = "AlreadyExistsException";
/// Another has updated the entry since its version was read.
pub(super) const CONCURRENT_MODIFICATION: &str = "ConcurrentModificationException";
/// The same, as parts of Glue say it.
pub(super) const VERSION_MISMATCH: &str = "VersionMismatchException";

/// Refusals that are no verdict: busy, out of time, or crossed by another request.
const UNDECIDED: [&str; 11] = [
    CONCURRENT_MODIFICATION,
    "FederationSourceRetryableException",
    "InternalServiceException",
    "OperationTimeoutException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ResourceNotReadyException",
    "SlowDown",
    "TooManyRequestsException",
];

/// What the failure of a request means, in words that name the `permission` it takes and `what` it was about.
pub(super) fn of<E>(permission: &str, what: &impl Display, has_region: bool, error: &SdkError<E>) -> CatalogError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let open = |told: String| CatalogError::Unavailable { reason: format!("{permission} of {what}: {told}") };
    let refused = |told: String, advice: &str| CatalogError::Unusable {
        reason: format!("{permission} of {what}: {told}; {advice}"),
    };
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let message = answer.err().message().unwrap_or("no message");
            let Some(code) = answer.err().code() else {
                return open(format!("an answer of status {status} that is not from AWS Glue ({message})"));
            };
            let told = format!("{code} ({message})");
            if (400..500).contains(&status) && !is_undecided(status, code) {
                refused(told, &advice(permission, code))
            } else {
                open(told)
            }
        }
        SdkError::ConstructionFailure(_) => refused(chain(error), "see that the names are ones that AWS Glue takes"),
        SdkError::DispatchFailure(failure) => match credentials(error) {
            Some(CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)) => {
                let advice = "sign in, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, \
                              or give the function a role";
                refused(chain(error), advice)
            }
            None if !has_region && !failure.is_io() && !failure.is_timeout() => {
                refused("no AWS region is set".to_owned(), "set AWS_REGION")
            }
            _ => open(chain(error)),
        },
        _ => open(chain(error)),
    }
}

/// A request that lacks a part, which the SDK finds before it sends anything.
pub(super) fn incomplete(what: &impl Display, error: &impl Error) -> CatalogError {
    CatalogError::Unusable { reason: format!("{what}: {error}; report this as a defect of Weir") }
}

fn is_undecided(status: u16, code: &str) -> bool {
    matches!(status, 408 | 429) || code.contains("Throttl") || UNDECIDED.contains(&code)
}

/// What to do about a refusal.
fn advice(permission: &str, code: &str) -> String {
    match code {
        "AccessDeniedException" | "AccessDenied" => format!(
            "give the role {permission} on the catalog, the database and the table; where Lake Formation guards \
             them, grant it there too"
        ),
        "ExpiredTokenException" | "ExpiredToken" => "the credentials have expired: sign in again".to_owned(),
        "UnrecognizedClientException" | "InvalidClientTokenId" | "MissingAuthenticationToken" => {
            "AWS does not know these credentials: see that they are of this account and region".to_owned()
        }
        "InvalidSignatureException" | "IncompleteSignature" => {
            "see that the secret key is right and the machine's clock too".to_owned()
        }
        "GlueEncryptionException" => {
            "the catalog is encrypted: give the role kms:Decrypt, kms:Encrypt and kms:GenerateDataKey on its key"
                .to_owned()
        }
        "ResourceNumberLimitExceededException" => {
            "delete what is not needed, old table versions first, or have the account's quota raised".to_owned()
        }
        _ => "see what AWS Glue says above".to_owned(),
    }
}

fn credentials<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    sources(error).find_map(|source| source.downcast_ref())
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The error and its causes: the SDK's own words stop at "dispatch failure".
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for (number, source) in sources(error).enumerate() {
        let _ = write!(text, "{}{source}", if number == 0 { "" } else { ": " });
    }
    text
}
