//! How the failures of files and of S3 become those of the port.

use std::{error::Error, io, path::PathBuf};

use object_store::client::{HttpError, HttpErrorKind};
use understudy_domain::ports::BlobError;

/// The blob store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory cannot be made or used.
    #[error("the blob directory {} cannot be used", .path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings do not make an S3 client.
    #[error("the S3 settings are not usable: {reason}")]
    Settings {
        /// Why; it repeats no secret.
        reason: String,
    },
}

/// Whatever else went wrong.
pub(crate) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> BlobError {
    BlobError::Unavailable(error.into())
}

/// What a failed operation on a file says. That a file is not there counts as any
/// other failure: only who looks for a blob knows better.
pub(crate) fn on_file(error: io::Error) -> BlobError {
    if is_full(&error) { BlobError::Full(error.into()) } else { unavailable(error) }
}

/// Whether the disk, or somebody's part of it, is full.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
                return true;
            }
            // `source` of an `io::Error` skips the error that it wraps.
            if error.get_ref().is_some_and(|inner| is_full(inner)) {
                return true;
            }
        }
        next = error.source();
    }
    false
}

/// What went wrong with an object.
///
/// Neither the errors of the client nor the answers of the service are passed on:
/// they repeat addresses, access keys and what was signed. It is said by what its
/// reader can do something about.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the service answered {status}{}", .code.as_ref().map(|it| format!(" ({it})")).unwrap_or_default())]
    Refused { status: u16, code: Option<String> },
    #[error("no connection to the service: {0}")]
    NoConnection(String),
    #[error("the service did not answer in time")]
    TimedOut,
    #[error("the connection to the service broke: {0}")]
    Broken(String),
    #[error("there is no such object")]
    NoObject,
    #[error("the client and the service do not understand each other")]
    Unknown,
}

/// What a failed look for an object says.
#[expect(clippy::needless_pass_by_value, reason = "so that it fits `map_err`")]
pub(crate) fn on_object(error: object_store::Error) -> BlobError {
    let is_missing = matches!(error, object_store::Error::NotFound { .. });
    match trouble(&error) {
        Trouble::Refused { code: Some(code), .. } if is_missing && code == "NoSuchBucket" => {
            unavailable(Trouble::Refused { status: 404, code: Some(code) })
        }
        _ if is_missing => BlobError::NotFound,
        trouble if trouble.is_full() => BlobError::Full(trouble.into()),
        trouble => unavailable(trouble),
    }
}

/// What a failed write to an object says: something that should be there is not
/// when the bucket is gone, or the upload was swept away.
pub(crate) fn on_upload(error: object_store::Error) -> BlobError {
    match on_object(error) {
        BlobError::NotFound => unavailable(Trouble::NoObject),
        error => error,
    }
}

impl Trouble {
    fn is_full(&self) -> bool {
        let Self::Refused { status, code } = self else { return false };
        // The codes of MinIO and of Ceph; AWS has no end.
        let full = ["XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"];
        *status == 507 || code.as_deref().is_some_and(|code| full.contains(&code))
    }
}

fn trouble(error: &(dyn Error + 'static)) -> Trouble {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            let why = innermost(error).to_string();
            return match error.kind() {
                HttpErrorKind::Connect => Trouble::NoConnection(why),
                HttpErrorKind::Timeout => Trouble::TimedOut,
                _ => Trouble::Broken(why),
            };
        }
        next = error.source();
    }
    // The type that holds these is not public.
    let text = error.to_string();
    let status = between(&text, "status code: ", " ").and_then(|digits| digits.parse().ok());
    let Some(status) = status else { return Trouble::Unknown };
    let is_name =
        |code: &&str| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let code = between(&text, "<Code>", "</Code>").filter(is_name).map(str::to_owned);
    Trouble::Refused { status, code }
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    error.source().map_or(error, innermost)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of Linux: <https://man7.org/linux/man-pages/man3/errno.3.html>
    const ENOENT: i32 = 2;
    const ENOSPC: i32 = 28;
    const EDQUOT: i32 = 122;

    #[test]
    fn no_space_and_no_quota_are_full() {
        for number in [ENOSPC, EDQUOT] {
            let error = io::Error::from_raw_os_error(number);
            let wrapped = io::Error::other(io::Error::from_raw_os_error(number));

            assert!(matches!(on_file(error), BlobError::Full(_)), "{number}");
            assert!(matches!(on_file(wrapped), BlobError::Full(_)), "{number}, wrapped");
        }
    }

    #[test]
    fn anything_else_is_unavailable() {
        let error = io::Error::from_raw_os_error(ENOENT);

        assert!(matches!(on_file(error), BlobError::Unavailable(_)));
    }

    fn refused(answer: &'static str) -> object_store::Error {
        let text = format!("Server returned non-2xx status code: {answer}");
        object_store::Error::Generic { store: "S3", source: text.into() }
    }

    fn said(error: &BlobError) -> String {
        format!("{error}: {}", error.source().unwrap())
    }

    #[test]
    fn an_answer_is_named_by_its_status_and_its_code_only() {
        let error = on_object(refused(
            "403 Forbidden: <Error><Code>InvalidAccessKeyId</Code>\
             <AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>",
        ));

        assert!(matches!(error, BlobError::Unavailable(_)));
        assert_eq!(
            said(&error),
            "the blob store is unavailable: the service answered 403 (InvalidAccessKeyId)"
        );
        assert!(!format!("{error:?}").contains("AKIDEXAMPLE"));
    }

    #[test]
    fn a_code_that_is_no_name_is_not_repeated() {
        let error = on_object(refused("400 Bad Request: <Code>the key AKID is bad</Code>"));

        assert_eq!(said(&error), "the blob store is unavailable: the service answered 400");
    }

    #[test]
    fn a_full_bucket_is_full() {
        for answer in [
            "507 Insufficient Storage: ",
            "400 Bad Request: <Error><Code>XMinioStorageFull</Code></Error>",
        ] {
            assert!(matches!(on_object(refused(answer)), BlobError::Full(_)), "{answer}");
        }
    }

    #[test]
    fn what_is_missing_is_missing_unless_the_bucket_is() {
        let missing = |source: &'static str| object_store::Error::NotFound {
            path: "x".into(),
            source: source.into(),
        };
        let no_bucket = "status code: 404 Not Found: <Code>NoSuchBucket</Code>";

        assert!(matches!(on_object(missing("")), BlobError::NotFound));
        assert!(matches!(on_object(missing(no_bucket)), BlobError::Unavailable(_)));
        assert!(matches!(on_upload(missing("")), BlobError::Unavailable(_)));
    }
}
