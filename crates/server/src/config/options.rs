//! Every setting, documented once: this is what `--help` prints, what names the
//! environment variables, and what the keys of `understudy.toml` are.

use clap::Args;

/// The settings of the server.
///
/// All are kept as texts here, so that a value means the same whether a flag,
/// the environment or the file gives it; `Config` says what they mean.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings (flags over environment over understudy.toml)")]
pub struct Options {
    /// Read this file instead of ./understudy.toml
    #[arg(long, global = true, env = "UNDERSTUDY_CONFIG", value_name = "FILE")]
    pub config: Option<String>,

    /// Address and port to listen on
    #[arg(long, global = true, env = "UNDERSTUDY_LISTEN", value_name = "ADDRESS:PORT")]
    #[arg(default_value = "127.0.0.1:8080")]
    pub listen: Option<String>,

    /// Directory of the embedded database, blobs and the generated master key
    #[arg(long, global = true, env = "UNDERSTUDY_DATA_DIR", value_name = "DIRECTORY")]
    #[arg(default_value = "./understudy-data")]
    pub data_dir: Option<String>,

    /// `sqlite:FILE` or `postgres://…` [default: `sqlite:DATA_DIR/understudy.db`]
    #[arg(long, global = true, env = "UNDERSTUDY_DATABASE_URL", value_name = "URL")]
    #[arg(hide_env_values = true)]
    pub database_url: Option<String>,

    /// Most connections to the database at a time
    #[arg(long, global = true, env = "UNDERSTUDY_DATABASE_POOL_SIZE", value_name = "NUMBER")]
    #[arg(default_value = "16")]
    pub database_pool_size: Option<String>,

    /// How long a start waits for a database that does not answer
    #[arg(long, global = true, env = "UNDERSTUDY_DATABASE_WAIT_SECONDS", value_name = "SECONDS")]
    #[arg(default_value = "30")]
    pub database_wait_seconds: Option<String>,

    /// `file:DIRECTORY` or `s3://BUCKET/PREFIX` [default: `file:DATA_DIR/blobs`]
    #[arg(long, global = true, env = "UNDERSTUDY_BLOB_URL", value_name = "URL")]
    pub blob_url: Option<String>,

    /// Send downloads to the S3 bucket with a signed address: true or false
    #[arg(long, global = true, env = "UNDERSTUDY_PRESIGNED_DOWNLOADS", value_name = "SWITCH")]
    #[arg(default_value = "false")]
    pub presigned_downloads: Option<String>,

    /// Most bytes of a file; k, M and G stand for 1024, 1024² and 1024³
    #[arg(long, global = true, env = "UNDERSTUDY_MAX_FILE_BYTES", value_name = "BYTES")]
    #[arg(default_value = "5G")]
    pub max_file_bytes: Option<String>,

    /// 32 bytes in base64; a flag can be seen by other users, a file cannot
    /// [default: `DATA_DIR/master.key`, made on the first start]
    #[arg(long, global = true, env = "UNDERSTUDY_MASTER_KEY", value_name = "BASE64")]
    #[arg(hide_env_values = true)]
    pub master_key: Option<String>,

    /// File with the master key, readable by its owner only
    #[arg(long, global = true, env = "UNDERSTUDY_MASTER_KEY_FILE", value_name = "FILE")]
    pub master_key_file: Option<String>,

    /// The master key before, while it is changed: what it sealed is still opened
    /// (see `understudy keys rotate`) [default: `DATA_DIR/master.key.previous`, if there]
    #[arg(long, global = true, env = "UNDERSTUDY_MASTER_KEY_PREVIOUS", value_name = "BASE64")]
    #[arg(hide_env_values = true)]
    pub master_key_previous: Option<String>,

    /// File with the master key before
    #[arg(long, global = true, env = "UNDERSTUDY_MASTER_KEY_PREVIOUS_FILE", value_name = "FILE")]
    pub master_key_previous_file: Option<String>,

    /// Where users reach the server, for links [default: http:// and the address it listens on]
    #[arg(long, global = true, env = "UNDERSTUDY_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// The first administrator's API token, made on an empty database: 32 or
    /// more characters beginning `ust_` [default: generated and printed once]
    #[arg(long, global = true, env = "UNDERSTUDY_BOOTSTRAP_TOKEN", value_name = "TOKEN")]
    #[arg(hide_env_values = true)]
    pub bootstrap_token: Option<String>,

    /// Name of the organization made on an empty database
    #[arg(long, global = true, env = "UNDERSTUDY_ORGANIZATION", value_name = "NAME")]
    #[arg(default_value = "Understudy")]
    pub organization: Option<String>,

    /// E-mail address of the first administrator, made on an empty database
    #[arg(long, global = true, env = "UNDERSTUDY_ADMIN_EMAIL", value_name = "ADDRESS")]
    #[arg(default_value = "admin@localhost")]
    pub admin_email: Option<String>,

    /// Networks of proxies whose `X-Forwarded-For` counts,
    /// separated by commas
    #[arg(long, global = true, env = "UNDERSTUDY_TRUSTED_PROXIES", value_name = "CIDR,…")]
    pub trusted_proxies: Option<String>,

    /// Private networks that assistants may call, separated by commas
    #[arg(long, global = true, env = "UNDERSTUDY_ALLOW_PRIVATE_NETWORK", value_name = "CIDR,…")]
    pub allow_private_network: Option<String>,

    /// `OpenID` provider that logs people in beside passwords, letter by letter as it
    /// names itself; it sends them back to `PUBLIC_URL/api/session/oidc/callback`
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,

    /// What the provider calls this service
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,

    /// What the service proves that with [default: none, a public client]
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_CLIENT_SECRET", value_name = "SECRET")]
    #[arg(hide_env_values = true)]
    pub oidc_client_secret: Option<String>,

    /// File with that secret
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_CLIENT_SECRET_FILE", value_name = "FILE")]
    pub oidc_client_secret_file: Option<String>,

    /// What the provider is asked for
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_SCOPES", value_name = "NAME …")]
    #[arg(default_value = "openid profile email")]
    pub oidc_scopes: Option<String>,

    /// Claim that tells the rank, such as `groups` or `realm_access.roles`
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_ROLE_CLAIM", value_name = "CLAIM")]
    pub oidc_role_claim: Option<String>,

    /// What its values mean: `admins=admin,staff=member`; the highest counts, and
    /// none makes owners
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_ROLES", value_name = "VALUE=ROLE,…")]
    pub oidc_roles: Option<String>,

    /// Rank of those whom no claim gives one; `none` refuses them
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_DEFAULT_ROLE", value_name = "ROLE")]
    #[arg(default_value = "viewer")]
    pub oidc_default_role: Option<String>,

    /// Claim that tells the departments
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_DEPARTMENT_CLAIM", value_name = "CLAIM")]
    pub oidc_department_claim: Option<String>,

    /// Whether new users have an AI seat: true, false, or by a claim that is true
    /// (`CLAIM`) or has one of some values (`CLAIM=VALUE,…`) [default: false]
    #[arg(long, global = true, env = "UNDERSTUDY_OIDC_SEAT", value_name = "RULE")]
    pub oidc_seat: Option<String>,

    /// Search the web by `searxng:URL`, `brave` or `tavily`; the latter two need a key
    #[arg(long, global = true, env = "UNDERSTUDY_WEB_SEARCH", value_name = "ENGINE")]
    pub web_search: Option<String>,

    /// The key of the search engine
    #[arg(long, global = true, env = "UNDERSTUDY_WEB_SEARCH_KEY", value_name = "KEY")]
    #[arg(hide_env_values = true)]
    pub web_search_key: Option<String>,

    /// File with that key
    #[arg(long, global = true, env = "UNDERSTUDY_WEB_SEARCH_KEY_FILE", value_name = "FILE")]
    pub web_search_key_file: Option<String>,

    /// What is logged: error, warn, info, debug, trace, or directives such as
    /// `info,understudy_http_api=debug`
    #[arg(long, global = true, env = "UNDERSTUDY_LOG", value_name = "FILTER")]
    #[arg(default_value = "info,actix_server=warn")]
    pub log: Option<String>,

    /// Form of the log: pretty, json, or auto (pretty on a terminal)
    #[arg(long, global = true, env = "UNDERSTUDY_LOG_FORMAT", value_name = "FORM")]
    #[arg(default_value = "auto")]
    pub log_format: Option<String>,

    /// OpenTelemetry collector that takes traces over HTTP, for example
    /// `http://localhost:4318`; `OTEL_EXPORTER_OTLP_ENDPOINT` is read too
    #[arg(long, global = true, env = "UNDERSTUDY_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// How long requests may take to finish after SIGTERM or SIGINT
    #[arg(long, global = true, env = "UNDERSTUDY_SHUTDOWN_GRACE_SECONDS", value_name = "SECONDS")]
    #[arg(default_value = "20")]
    pub shutdown_grace_seconds: Option<String>,
}
