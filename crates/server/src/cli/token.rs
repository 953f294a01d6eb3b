//! `understudy token create`.

use std::str::FromStr;

use clap::Subcommand;
use time::Duration;
use understudy_domain::{
    Email, Scope, TokenKind,
    usecases::{
        Caller, Error,
        bootstrap::operator,
        tokens::{CreateToken, create_token},
    },
};

use super::{Done, Failure, refused, say};
use crate::{
    config::Config,
    installation::{Installation, Purpose},
};

/// What there is to do with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a token that acts as a user, and print it once
    Create {
        /// E-mail address of the user
        #[arg(long, value_name = "ADDRESS", value_parser = Email::parse)]
        user: Email,
        /// Refuse every change and every run
        #[arg(long)]
        read_only: bool,
        /// What it may be used for: read, write, run, admin [default: all]
        #[arg(long, value_name = "SCOPE,…", value_delimiter = ',', value_parser = Scope::from_str)]
        scopes: Vec<Scope>,
        /// How long it is good for, such as 12h, 90d or 1y [default: for ever]
        #[arg(long, value_name = "TIME", value_parser = lifetime)]
        expires_in: Option<Duration>,
        /// What it is for
        #[arg(long, default_value = "made on the command line")]
        notes: String,
    },
}

/// Runs the command.
pub(super) async fn run(config: &Config, command: Command) -> Done {
    let Command::Create { user, read_only, scopes, expires_in, notes } = command;
    let installation = Installation::open(config, Purpose::Command).await?;
    let caller = acting_as(&installation, &user).await?;
    let deps = installation.deps();
    let now = deps.clock.now();
    let command = CreateToken {
        kind: TokenKind::Personal,
        notes,
        read_only,
        assistant: None,
        cidr: None,
        scopes: (!scopes.is_empty()).then(|| scopes.into_iter().collect()),
        expires_at: expires_in.map(|lifetime| now.plus(lifetime)),
    };
    let (_, text) = create_token(deps, &caller, command).await.map_err(|error| refused(&error))?;
    say(text.expose())
}

/// The user with this address, at the machine itself.
async fn acting_as(installation: &Installation, email: &Email) -> Result<Caller, Failure> {
    let failed = |error| refused(&Error::Store(error));
    let login = installation.store.callers().find_login(email).await.map_err(failed)?;
    let user = match login {
        Some(login) if !login.disabled => {
            let directory = installation.store.directory();
            directory.user(login.organization, login.user).await.map_err(failed)?
        }
        _ => None,
    };
    let user = user.ok_or_else(|| {
        Failure::Refused(format!("there is no enabled user with address {email}"))
    })?;
    Ok(operator(&user))
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let seconds = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some('y') => 365 * 86_400,
        _ => 0,
    };
    text.get(..text.len().saturating_sub(1))
        .and_then(|number| number.parse::<u32>().ok())
        .map(|number| Duration::seconds(i64::from(number) * seconds))
        .filter(|lifetime| lifetime.is_positive())
        .ok_or("a time is a number and m, h, d or y, such as 90d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_with_a_unit() {
        assert_eq!(lifetime("90d"), Ok(Duration::days(90)));
        assert_eq!(lifetime("12h"), Ok(Duration::hours(12)));
        for text in ["", "d", "0d", "-1d", "90", "1w", "é", "99999999999d"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}
