//! What each operation needs, and with what it is asked.
#![expect(clippy::match_same_arms, reason = "a table has a line for each thing")]

use reqwest::Method;
use serde_json::{Value, json};
use understudy_domain::{Role, Scope, access::Level};

use crate::icons::PNG;

/// What an operation needs of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing at all.
    Nothing,
    /// That one is known.
    Anyone,
    /// That one is known; the credential covers the scope.
    Known(Scope),
    /// Likewise, and the credential is not limited to one assistant.
    Unlimited(Scope),
    /// A session.
    Session,
    /// An AI seat.
    Seat(Scope),
    /// An AI seat, and a credential that is not limited to one assistant.
    FreeSeat(Scope),
    /// A role in one's organization.
    Role(Role, Scope),
    /// Likewise, with an AI seat.
    SeatAndRole(Role, Scope),
    /// A role in the organization of the thing; elsewhere it is not there.
    RoleAtHome(Role, Scope),
    /// Likewise, with an AI seat.
    SeatAndRoleAtHome(Role, Scope),
    /// Likewise; for those who may not it is not there either.
    HiddenAtHome(Role, Scope),
    /// That one is known in the organization of the thing; elsewhere it is not there.
    KnownAtHome(Scope),
    /// To see the assistant, and to be allowed to make one.
    Copy,
    /// A level on the assistant.
    Level(Level, Scope),
    /// Likewise; the credential covers both scopes.
    LevelWithBoth(Level, Scope, Scope),
    /// The highest level on an assistant that is deleted.
    Deleted(Scope),
    /// That one wrote it: the assistant's maker did.
    Author(Scope),
    /// That it is one's own; one does not see that of others.
    Own(Scope),
    /// Likewise, with an AI seat, and whatever assistant the credential is for.
    OwnSeat(Scope),
    /// Likewise, and the credential is not limited to one assistant.
    OwnFreeSeat(Scope),
    /// That it is one's own answer of the assistant, which one sees; the credential
    /// covers one of the scopes.
    OwnAnswer(&'static [Scope]),
}

/// What has to be so before the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    /// Nothing.
    None,
    /// The assistant is deleted.
    Deleted,
    /// It is not, whatever was done before.
    Restored,
    /// It has a draft.
    Draft,
    /// It has none.
    NoDraft,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Body {
    None,
    Json(Value),
    MergePatch(Value),
    /// A form with one file, in the part with this name.
    Form(&'static str, &'static [u8]),
    Bytes(&'static str, &'static [u8]),
}

/// One operation of the table.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) need: Need,
    pub(super) setup: Setup,
    pub(super) body: Body,
    pub(super) query: &'static str,
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// Whether it uses up what its path names, or what has to be so before it.
    anew: bool,
    /// Statuses beside success that only those get who were let in.
    pub(super) also: &'static [u16],
}

fn needs(need: Need) -> Operation {
    let (setup, body) = (Setup::None, Body::None);
    Operation { need, setup, body, query: "", headers: &[], anew: false, also: &[] }
}

const fn view(scope: Scope) -> Need {
    Need::Level(Level::View, scope)
}

const fn edit(scope: Scope) -> Need {
    Need::Level(Level::Edit, scope)
}

const fn manage(scope: Scope) -> Need {
    Need::Level(Level::Manage, scope)
}

impl Operation {
    fn json(self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    fn patch(self, body: Value) -> Self {
        Self { body: Body::MergePatch(body), ..self }
    }

    fn form(self, part: &'static str, bytes: &'static [u8]) -> Self {
        Self { body: Body::Form(part, bytes), ..self }
    }

    fn bytes(self, kind: &'static str, bytes: &'static [u8]) -> Self {
        Self { body: Body::Bytes(kind, bytes), ..self }
    }

    fn when(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    fn asked(self, query: &'static str) -> Self {
        Self { query, ..self }
    }

    fn headed(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }

    fn anew(self) -> Self {
        Self { anew: true, ..self }
    }

    fn also(self, also: &'static [u16]) -> Self {
        Self { also, ..self }
    }

    /// Whether everything has to be made ready again after it was carried out.
    pub(super) fn uses_up(&self, method: &Method) -> bool {
        self.anew || *method == Method::DELETE
    }
}

/// A part of the table: what it says of the operation with a name.
pub(super) type Area = fn(&str) -> Option<Operation>;

/// What is open to everybody.
pub(super) fn open(name: &str) -> Option<Operation> {
    Some(match name {
        "getHealth"
        | "getReadiness"
        | "getMetrics"
        | "getOpenApi"
        | "getProblems"
        | "getDocs"
        | "getDocsFile"
        | "getUploadOptions"
        | "getUploadOptionsOfOne"
        | "getImage"
        | "getLoginMethods" => needs(Need::Nothing).also(&[404, 308]),
        // Whoever logs in is not known before.
        "logIn" => {
            needs(Need::Nothing).json(json!({"email": "a@b", "password": "x"})).also(&[401, 429])
        }
        "beginLogin" | "finishLogin" => needs(Need::Nothing).also(&[400, 401, 404, 429]),
        _ => return None,
    })
}

/// Assistants, their drafts and their versions.
pub(super) fn assistants(name: &str) -> Option<Operation> {
    use Scope::{Read, Write};
    Some(match name {
        "listAssistants" => needs(Need::Seat(Read)),
        "createAssistant" => {
            needs(Need::SeatAndRole(Role::Member, Write)).json(json!({"name": "@"}))
        }
        "importAssistant" => needs(Need::SeatAndRole(Role::Member, Write))
            .json(json!({"object": "assistant", "id": "asst_1", "model": "gpt-4o", "name": "Old"}))
            .also(&[409]),
        "getAssistant" => needs(view(Read)).when(Setup::Restored),
        "deleteAssistant" => needs(manage(Write)).when(Setup::Restored),
        "patchAssistant" => needs(edit(Write)).when(Setup::Restored).patch(json!({"seed": 1})),
        "updateAssistant" => needs(edit(Write)).when(Setup::Restored).json(json!({"seed": 2})),
        "copyAssistant" => needs(Need::Copy).json(json!({})).also(&[409]),
        "openDraft" => needs(edit(Write)).json(json!({})),
        "exportAssistant" => needs(edit(Read)),
        "restoreAssistant" => {
            needs(Need::Deleted(Write)).when(Setup::Deleted).anew().json(json!({}))
        }
        "setDefaultAssistant" => needs(manage(Write)).when(Setup::Restored).json(json!({})),
        "getDraft" => needs(edit(Read)).when(Setup::Draft),
        "patchDraft" => needs(edit(Write)).when(Setup::Draft).patch(json!({"seed": 1})),
        "updateDraft" => needs(edit(Write)).when(Setup::Draft).json(json!({"seed": 1})),
        "discardDraft" => needs(edit(Write)).when(Setup::Draft),
        "commitDraft" => needs(edit(Write)).when(Setup::Draft).anew().json(json!({})),
        "diffDraft" => needs(edit(Read)).when(Setup::Draft),
        "listVersions" | "getVersion" => needs(edit(Read)),
        "diffVersion" => needs(edit(Read)).asked("?against=live"),
        "restoreVersion" => needs(edit(Write)).when(Setup::NoDraft).anew().json(json!({})),
        _ => return None,
    })
}

/// What is asked of assistants, and what came of it.
pub(super) fn running(name: &str) -> Option<Operation> {
    use Scope::{Read, Run, Write};
    let answer = |scopes| needs(Need::OwnAnswer(scopes)).when(Setup::Restored);
    let hello = || json!({"input": "Hello", "stream": false});
    Some(match name {
        "createResponse" => needs(view(Run)).when(Setup::Restored).json(hello()),
        "explainInput" => needs(edit(Run)).when(Setup::Restored).asked("?input=Hello"),
        "explainRequest" => needs(edit(Run)).when(Setup::Restored).json(hello()),
        "getResponse" | "followResponse" | "listApprovals" => answer(&[Read, Run]),
        "deleteResponse" => answer(&[Run]),
        "cancelResponse" => answer(&[Run]).json(json!({})).also(&[409]),
        "decideApproval" => answer(&[Run]).json(json!({"approve": false})).also(&[409]),
        "listThreads" => needs(Need::Seat(Read)),
        "createThread" => needs(Need::Seat(Write)).json(json!({"title": "Mine"})),
        "getThread" | "listMessages" => needs(Need::OwnFreeSeat(Read)),
        "patchThread" => needs(Need::OwnFreeSeat(Write)).patch(json!({"title": "Ours"})),
        "deleteThread" => needs(Need::OwnFreeSeat(Write)),
        "listMemories" => needs(view(Read)).when(Setup::Restored),
        "deleteMemories" | "deleteMemory" => needs(view(Write)).when(Setup::Restored),
        "listAutomations" => needs(Need::SeatAndRole(Role::Member, Read)),
        "getAutomation" => needs(Need::SeatAndRoleAtHome(Role::Member, Read)),
        "executeAutomation" => {
            needs(Need::SeatAndRoleAtHome(Role::Member, Run)).json(json!({"parameters": {}}))
        }
        _ => return openai(name),
    })
}

/// What OpenAI's clients ask for.
fn openai(name: &str) -> Option<Operation> {
    use Scope::{Read, Run, Write};
    let answer = |scopes| needs(Need::OwnAnswer(scopes)).when(Setup::Restored);
    Some(match name {
        "openaiListModels" => needs(Need::Seat(Read)),
        "openaiGetModel" => needs(view(Read)).when(Setup::Restored),
        "openaiCreateChatCompletion" => {
            let hello = json!([{"role": "user", "content": "Hello"}]);
            let body = json!({"model": "@this", "messages": hello});
            needs(view(Run)).when(Setup::Restored).json(body)
        }
        "openaiCreateResponse" => {
            needs(view(Run)).when(Setup::Restored).json(json!({"model": "@this", "input": "Hello"}))
        }
        "openaiGetResponse" | "openaiListInputItems" => answer(&[Read, Run]),
        "openaiDeleteResponse" => answer(&[Run]),
        "openaiCancelResponse" => answer(&[Run]).json(json!({})).also(&[409]),
        "openaiCreateConversation" => needs(Need::Seat(Write)).json(json!({})),
        "openaiGetConversation" | "openaiListItems" | "openaiGetItem" => {
            needs(Need::OwnFreeSeat(Read))
        }
        "openaiUpdateConversation" => {
            needs(Need::OwnFreeSeat(Write)).json(json!({"metadata": {"a": "b"}}))
        }
        "openaiCreateItems" => {
            let hello = json!([{"role": "user", "content": "Hello"}]);
            needs(Need::OwnFreeSeat(Write)).json(json!({"items": hello}))
        }
        "openaiDeleteConversation" | "openaiDeleteItem" => needs(Need::OwnFreeSeat(Write)),
        "openaiCreateFile" => needs(Need::Seat(Write)).form("file", b"text").also(&[400]),
        "openaiListFiles" => needs(Need::Seat(Read)),
        "openaiGetFile" => needs(Need::OwnSeat(Read)),
        "openaiDownloadFile" => needs(Need::OwnSeat(Read)).also(&[404]),
        "openaiDeleteFile" => needs(Need::OwnSeat(Write)),
        "openaiCreateImage" => {
            needs(Need::FreeSeat(Run)).json(json!({"prompt": "A fox"})).also(PICTURE)
        }
        "openaiCreateEmbeddings" => needs(Need::FreeSeat(Run))
            .json(json!({"model": "text-embedding-3-small", "input": "Hello"}))
            .also(&[409]),
        _ => return None,
    })
}

/// Pictures are counted before anything is looked up.
const PICTURE: &[u16] = &[429];

/// What an assistant consists of.
pub(super) fn content(name: &str) -> Option<Operation> {
    use Scope::{Read, Run, Write};
    Some(match name {
        "listFiles" | "getFile" | "downloadFile" | "listEmbeddedImages" | "getEmbeddedImage"
        | "getIcon" | "getFavicon" | "listReferences" | "getReference" | "listSkills"
        | "getSkill" | "getSkillDriver" => needs(view(Read)).when(Setup::Restored),
        "attachFile" => needs(edit(Write)).anew().json(json!({"uploadId": "@upload"})),
        "uploadFile" => needs(edit(Write)).form("file", b"text"),
        "updateFile" => needs(edit(Write)).json(json!({"description": "new"})),
        "replaceFile" => needs(edit(Write)).form("file", b"other").anew(),
        "deleteFile" | "deleteReference" | "deleteSkill" => needs(edit(Write)),
        "putIcon" => needs(edit(Write)).form("icon", PNG),
        "deleteIcon" => needs(edit(Write)).also(&[404]),
        "chatbotAvatar" => needs(edit(Write)).form("avatar", PNG),
        "addReference" => needs(edit(Write))
            .json(json!({"targetId": "https://example.com/a", "targetType": "url"}))
            .also(&[409]),
        "createAssistantImage" => needs(Need::LevelWithBoth(Level::Edit, Write, Run))
            .json(json!({"prompt": "a cat"}))
            .also(PICTURE),
        "createSkill" => needs(edit(Write)).json(json!({"type": "web-search", "name": "@"})),
        "updateSkill" => needs(edit(Write)).json(json!({"description": "new"})),
        "listSecrets" | "getSecret" => needs(edit(Read)),
        "createSecret" => needs(edit(Write)).json(json!({"name": "@", "value": "v"})),
        "updateSecret" => needs(edit(Write)).json(json!({"description": "new"})),
        "deleteSecret" => needs(edit(Write)),
        "listAssistantRules" | "getAssistantRule" => needs(edit(Read)),
        "attachRule" => needs(edit(Write)).json(json!({"priority": 7})),
        "detachRule" => needs(edit(Write)),
        _ => return None,
    })
}

/// Who an assistant is shared with, and what they say of it.
pub(super) fn sharing(name: &str) -> Option<Operation> {
    use Scope::{Admin, Read, Write};
    Some(match name {
        "getOwner" => needs(view(Read)),
        "listShares" | "getShare" => needs(manage(Read)),
        "putShare" => needs(manage(Write)).json(json!({"accessLevel": 1})),
        "deleteShare" => needs(manage(Write)),
        "getFavorite" => needs(view(Read)),
        "addFavorite" => needs(view(Write)),
        "removeFavorite" => needs(view(Write)).also(&[404]),
        "listAssistantTags" | "getAssistantTag" => needs(view(Read)),
        "tagAssistant" | "untagAssistant" => needs(edit(Write)),
        "listComments" | "getComment" | "listReplies" | "getUnreadComments" => needs(view(Read)),
        "createComment" | "createReply" => needs(view(Write)).json(json!({"message": "Hello"})),
        "markCommentsRead" => needs(view(Write)).json(json!({})),
        "resolveComment" => needs(edit(Write)).json(json!({})),
        "deleteComment" => needs(manage(Write)),
        "updateComment" => needs(Need::Author(Write)).json(json!({"message": "Else"})),
        "putOwner" | "changeOwner" => {
            needs(Need::Level(Level::Owner, Write)).json(json!({"ownerId": "@owner"}))
        }
        "listAssistantTokens" => needs(view(Read)),
        "createAssistantToken" => needs(view(Admin)).json(json!({})),
        "listAssistantEvents" => needs(edit(Read)),
        _ => return None,
    })
}

/// What belongs to whoever asks: it is made by them.
pub(super) fn own(name: &str) -> Option<Operation> {
    use Scope::{Admin, Read, Run, Write};
    Some(match name {
        "getSession" => needs(Need::Anyone),
        "refreshSession" | "logOut" => needs(Need::Session).also(&[404]),
        "listTokens" => needs(Need::Known(Read)),
        "getToken" => needs(Need::Own(Read)),
        "createToken" => needs(Need::Known(Admin)).json(json!({"type": "personal"})),
        "updateToken" => needs(Need::Own(Admin)).json(json!({"notes": "new"})),
        "deleteToken" => needs(Need::Own(Admin)),
        "listAvatars" | "getAvatar" | "listIcons" | "getLibraryIcon" => needs(Need::Anyone),
        "listModels" => needs(Need::Known(Read)),
        "createImage" => needs(Need::FreeSeat(Run)).json(json!({"prompt": "a cat"})).also(PICTURE),
        "listImages" => needs(Need::Unlimited(Read)),
        "deleteImage" => needs(Need::Own(Write)),
        "createUpload" => needs(Need::Seat(Write)).form("file", b"text"),
        "getUpload" => needs(Need::OwnSeat(Read)),
        "appendUpload" => needs(Need::OwnSeat(Write))
            .headed(&[("tus-resumable", "1.0.0"), ("upload-offset", "0")])
            .anew()
            .bytes("application/offset+octet-stream", b"x"),
        "postUpload" => needs(Need::OwnSeat(Write))
            .headed(&[
                ("tus-resumable", "1.0.0"),
                ("upload-offset", "0"),
                ("x-http-method-override", "PATCH"),
            ])
            .anew()
            .bytes("application/offset+octet-stream", b"x"),
        "deleteUpload" => needs(Need::OwnSeat(Write)).headed(&[("tus-resumable", "1.0.0")]),
        "listUsage" | "listBudgets" => needs(Need::Unlimited(Read)),
        _ => return None,
    })
}

/// What belongs to the organization.
pub(super) fn administration(name: &str) -> Option<Operation> {
    use Role::Admin as Administrator;
    use Scope::{Admin, Read, Write};
    let admin = |scope| needs(Need::Role(Administrator, scope));
    let at_home = |scope| needs(Need::RoleAtHome(Administrator, scope));
    let hidden = |scope| needs(Need::HiddenAtHome(Administrator, scope));
    Some(match name {
        "listUsers" => admin(Read),
        "createUser" => admin(Admin).json(json!({"email": "@@example.com"})),
        "getUser" => at_home(Read),
        "patchUser" => at_home(Admin).patch(json!({"name": "New"})),
        "deleteUser" | "endUserSessions" => at_home(Admin),
        "listTeams" => needs(Need::Unlimited(Read)),
        "getTeam" => hidden(Read),
        "createTeam" => admin(Admin).json(json!({"name": "@"})),
        "patchTeam" => hidden(Admin).patch(json!({"name": "Other"})).also(&[409]),
        "deleteTeam" => at_home(Admin),
        "removeTeamMember" => hidden(Admin),
        "putTeamMember" => hidden(Admin).json(json!({"role": "member"})),
        "listProviders" => admin(Read),
        "createProvider" => admin(Admin).json(json!({"name": "@", "kind": "builtin"})),
        "getProvider" => at_home(Read),
        "patchProvider" => at_home(Admin).patch(json!({"priority": 7})),
        "deleteProvider" | "testProvider" => at_home(Admin),
        "listEvents" => admin(Read),
        "listWebhooks" => admin(Read),
        "createWebhook" => {
            admin(Admin).json(json!({"url": "https://example.com/hook"})).also(&[409])
        }
        "getWebhook" | "listDeliveries" => at_home(Read),
        "patchWebhook" => at_home(Admin).patch(json!({"description": "new"})),
        "deleteWebhook" | "rotateWebhookSecret" | "testWebhook" => at_home(Admin),
        "replayDelivery" => at_home(Admin),
        "createAutomation" => {
            admin(Admin).json(json!({"name": "@", "url": "https://example.com/"}))
        }
        "patchAutomation" => at_home(Admin).patch(json!({"timeoutSeconds": 7})),
        "deleteAutomation" | "rotateAutomationSecret" => at_home(Admin),
        "listExecutions" => at_home(Read),
        "listRules" => needs(Need::Unlimited(Read)),
        "createRule" => admin(Admin).json(json!({"name": "@", "content": "Be kind."})),
        "getRule" => hidden(Read),
        "updateRule" => at_home(Admin).json(json!({"description": "new"})),
        "deleteRule" => at_home(Admin),
        "listRuleAttachments" | "getRuleAttachment" => at_home(Read),
        "putRuleAttachment" => at_home(Admin).json(json!({})),
        "deleteRuleAttachment" => at_home(Admin),
        "getOrganization" => needs(Need::Unlimited(Read)),
        "patchOrganization" => admin(Admin).patch(json!({"name": "Ours"})),
        "listTags" => needs(Need::Known(Read)),
        "getTag" => needs(Need::KnownAtHome(Read)),
        "createTag" => needs(Need::Role(Role::Member, Write)).json(json!({"name": "@"})),
        "updateTag" => needs(Need::RoleAtHome(Role::Manager, Write)).json(json!({"color": ""})),
        "deleteTag" => needs(Need::RoleAtHome(Role::Manager, Write)),
        _ => return None,
    })
}
