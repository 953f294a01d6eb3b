//! The native dialect, `/api`.

use utoipa::openapi::ComponentsBuilder;

use crate::endpoint::Endpoint;

mod assistants;
mod automations;
mod comments;
mod drafts;
mod events;
mod favorites;
mod files;
mod icons;
mod images;
mod library;
mod list;
mod memories;
mod models;
mod oidc;
mod organization;
mod owner;
mod providers;
mod receiving;
mod references;
mod responses;
mod rules;
mod secrets;
mod session;
mod shares;
mod skills;
mod tags;
mod teams;
mod threads;
mod tokens;
mod transfer;
mod uploads;
mod usage;
mod users;
mod versions;
mod webhooks;

/// All operations of `/api`.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = session::endpoints();
    all.extend(oidc::endpoints());
    all.extend(users::endpoints());
    all.extend(teams::endpoints());
    all.extend(tokens::endpoints());
    // Before what stands for the id of any assistant.
    all.extend(transfer::endpoints());
    all.extend(assistants::endpoints());
    all.extend(assistants::actions());
    all.extend(responses::endpoints());
    all.extend(memories::endpoints());
    all.extend(threads::endpoints());
    all.extend(automations::endpoints());
    all.extend(drafts::endpoints());
    all.extend(drafts::actions());
    all.extend(versions::endpoints());
    all.extend(events::of_assistant());
    all.extend(events::endpoints());
    all.extend(webhooks::endpoints());
    all.extend(webhooks::actions());
    all.extend(files::endpoints());
    all.extend(references::endpoints());
    all.extend(skills::endpoints());
    all.extend(secrets::endpoints());
    all.extend(owner::endpoints());
    all.extend(shares::endpoints());
    all.extend(favorites::endpoints());
    all.extend(tags::endpoints());
    all.extend(tags::attached());
    all.extend(comments::endpoints());
    all.extend(comments::single());
    all.extend(tokens::of_assistant());
    all.extend(uploads::endpoints());
    all.extend(providers::endpoints());
    all.extend(images::endpoints());
    all.extend(usage::endpoints());
    all.extend(rules::endpoints());
    all.extend(rules::attachments::endpoints());
    all.extend(rules::assistant::endpoints());
    all.extend(organization::endpoints());
    all.extend(models::endpoints());
    all.extend(icons::endpoints());
    all.extend(library::endpoints());
    all
}

/// The schemas of what `/api` answers.
pub(crate) fn schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    let components = components
        .schema_from::<users::UserView>()
        .schema_from::<users::UserPage>()
        .schema_from::<teams::TeamView>()
        .schema_from::<teams::MemberView>()
        .schema_from::<tokens::TokenView>()
        .schema_from::<tokens::CreatedView>()
        .schema_from::<tokens::AssistantTokenView>()
        .schema_from::<owner::OwnerView>()
        .schema_from::<shares::ShareView>()
        .schema_from::<favorites::FavoriteView>()
        .schema_from::<tags::TagView>()
        .schema_from::<comments::CommentView>()
        .schema_from::<comments::AuthorView>()
        .schema_from::<comments::CommentLinks>()
        .schema_from::<comments::LinkView>()
        .schema_from::<comments::UnreadView>()
        .schema_from::<session::LoggedInView>()
        .schema_from::<session::RefreshedView>()
        .schema_from::<session::WhoAmIView>()
        .schema_from::<session::OrganizationView>()
        .schema_from::<session::OwnTeamView>()
        .schema_from::<oidc::MethodsView>()
        .schema_from::<versions::VersionSummaryView>()
        .schema_from::<files::ImageView>()
        .schema_from::<skills::SkillView>()
        .schema_from::<secrets::SecretView>()
        .schema_from::<uploads::UploadView>()
        .schema_from::<providers::ProviderView>()
        .schema_from::<images::CreatedView>()
        .schema_from::<images::ImageView>()
        .schema_from::<images::ImagePage>()
        .schema_from::<usage::UsageView>()
        .schema_from::<usage::UsageReport>()
        .schema_from::<usage::TotalView>()
        .schema_from::<rules::RuleFacts>()
        .schema_from::<rules::RuleView>()
        .schema_from::<rules::RuleItem>()
        .schema_from::<rules::RulePage>()
        .schema_from::<rules::attachments::RuleAttachmentView>()
        .schema_from::<rules::assistant::AssistantRuleView>()
        .schema_from::<rules::assistant::RuleInShortView>()
        .schema_from::<organization::SettingsView>()
        .schema_from::<organization::LimitsView>()
        .schema_from::<models::ModelPrices>()
        .schema_from::<models::ModelView>()
        .schema_from::<models::ModelList>()
        .schema_from::<events::EventView>()
        .schema_from::<events::ActorView>()
        .schema_from::<events::EventPage>()
        .schema_from::<webhooks::WebhookView>()
        .schema_from::<webhooks::TestedView>()
        .schema_from::<webhooks::DeliveryView>()
        .schema_from::<webhooks::AttemptView>()
        .schema_from::<webhooks::DeliveryPage>()
        .schema_from::<library::IconEntry>()
        .schema_from::<library::AvatarEntry>();
    running_schemas(components)
}

/// Those of what has to do with running assistants.
fn running_schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema_from::<responses::ApprovalView>()
        .schema_from::<memories::MemoryView>()
        .schema_from::<threads::ThreadView>()
        .schema_from::<threads::ThreadPage>()
        .schema_from::<threads::MessageView>()
        .schema_from::<threads::MessagePage>()
        .schema_from::<automations::AutomationView>()
        .schema_from::<automations::ExecutionView>()
        .schema_from::<automations::ExecutionPage>()
        .schema_from::<usage::AmountView>()
        .schema_from::<usage::SpendingView>()
        .schema_from::<organization::BudgetView>()
}
