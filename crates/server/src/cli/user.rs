//! `understudy user create`.

use std::{io::BufRead, str::FromStr};

use clap::{ArgAction, Subcommand};
use understudy_domain::{
    Role, Secret, User,
    usecases::{
        Error,
        bootstrap::operator,
        users::{CreateUser, create_user},
    },
};

use super::{Done, Failure, refused, say};
use crate::{
    config::Config,
    installation::{Installation, Purpose},
};

/// How many users are looked at a time for an owner.
const PAGE: u32 = 200;

/// What there is to do with users.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a user, and print the id
    Create {
        /// The e-mail address, with which they log in
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// What people call them
        #[arg(long, default_value = "")]
        name: String,
        /// owner, admin, manager, member or viewer
        #[arg(long, default_value = "member", value_parser = Role::from_str)]
        role: Role,
        /// Make them without an AI seat: they may not use assistants
        #[arg(long = "no-ai-seat", action = ArgAction::SetFalse)]
        ai_seat: bool,
        /// Read a password for log-ins from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Runs the command.
pub(super) async fn run(config: &Config, command: Command) -> Done {
    let Command::Create { email, name, role, ai_seat, password_stdin } = command;
    let password = if password_stdin { Some(read_password()?) } else { None };
    let installation = Installation::open(config, Purpose::Command).await?;
    let owner = an_owner(&installation).await.map_err(|error| refused(&error))?;
    let owner = owner.ok_or_else(|| {
        Failure::Refused("there is no organization yet; run `understudy serve` once".to_owned())
    })?;
    let command = CreateUser {
        email,
        name: Some(name),
        role,
        departments: Vec::new(),
        ai_seat,
        password,
        external_id: None,
    };
    let caller = operator(&owner);
    let user = create_user(installation.deps(), &*installation.passwords, &caller, command)
        .await
        .map_err(|error| refused(&error))?;
    say(&user.id.to_string())
}

fn read_password() -> Result<Secret<String>, Failure> {
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|source| Failure::System { what: "stdin cannot be read", source })?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(Secret::new(line))
}

/// An enabled owner of the first organization, in whose name the operator acts.
async fn an_owner(installation: &Installation) -> Result<Option<User>, Error> {
    let store = &installation.store;
    let Some(organization) = store.callers().first_organization().await? else { return Ok(None) };
    let mut after = None;
    loop {
        let page = store.directory().users(organization.id, None, after, PAGE, false).await?;
        let found = page.rows.iter().find(|user| user.role == Role::Owner && !user.disabled);
        if let Some(owner) = found {
            return Ok(Some(owner.clone()));
        }
        after = page.rows.last().map(|user| user.email.clone());
        if !page.more || after.is_none() {
            return Ok(None);
        }
    }
}
