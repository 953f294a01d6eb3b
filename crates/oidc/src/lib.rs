//! Log-ins by a provider that speaks `OpenID` Connect.
