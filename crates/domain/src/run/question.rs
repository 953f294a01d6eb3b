//! What a model is asked beside the conversation: to sum up, or to note something.

/// A question that is put to a model by itself, without tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it is to do.
    pub instructions: String,
    /// With what.
    pub input: String,
}
