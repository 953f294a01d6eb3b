//! Pictures that have an address of their own: generated ones, and avatars that
//! pages of others show.

use serde::{Deserialize, Serialize};

use crate::{AssistantId, Blob, ImageId, OrganizationId, Secret, Timestamp, UserId};

/// A picture that whoever has its address can see, until it is deleted.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its identifier.
    pub id: ImageId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Who made it.
    pub user: UserId,
    /// The live assistant it was made for, if it was for one.
    pub assistant: Option<AssistantId>,
    /// The last segment of its address: 256 random bits, base64url.
    pub key: Secret<String>,
    /// Where it comes from.
    pub origin: ImageOrigin,
    /// Its bytes, a PNG that was encoded here.
    pub blob: Blob,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Where a picture comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ImageOrigin {
    /// A model drew it.
    Generated {
        /// What was asked for.
        prompt: String,
        /// The provider's kind.
        provider: String,
        /// The model's key.
        model: String,
        /// `<width>x<height>` in pixels.
        size: String,
    },
    /// It is the avatar of an OKCHAT chatbot.
    Avatar,
}
