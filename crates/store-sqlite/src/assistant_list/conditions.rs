//! What the rows of a list of assistants must be.

use understudy_domain::{
    Principal,
    access::Level,
    ports::{AssistantFilter, PositionKey},
};

use super::Search;
use crate::{sql::Sql, values::Key};

impl Search<'_> {
    /// Only rows behind the page before.
    pub(super) fn position<R>(&self, sql: &mut Sql<R>, id: &'static str) {
        let Some(after) = &self.query.after else { return };
        sql.text(" AND (w.").text(self.column()).text(", ").text(id);
        sql.text(if self.query.sort.descending { ") < (" } else { ") > (" });
        match &after.key {
            PositionKey::Time(time) => sql.number(time.unix_micros()),
            PositionKey::Text(text) => sql.word(text.clone()),
        };
        sql.text(", ").word(Key(after.id).text()).text(")");
    }

    /// What the row `a` of assistants must be. All conditions are always there, so
    /// that there is one statement and not one for each choice of filters.
    pub(super) fn filter<R>(&self, sql: &mut Sql<R>) {
        let filter = &self.query.filter;
        let (user, team) = match filter.owner {
            Some(Principal::User(user)) => (Some(Key::from(user).text()), None),
            Some(Principal::Team(team)) => (None, Some(Key::from(team).text())),
            None => (None, None),
        };
        sql.text(" AND ifnull(a.kind = ").word(filter.kind.map(|kind| kind.as_str().to_owned()));
        sql.text(", 1) AND (").word(user.clone()).text(" IS NULL OR a.owner_user = ").word(user);
        sql.text(") AND (").word(team.clone()).text(" IS NULL OR a.owner_team = ").word(team);
        let mode = filter.access_mode.map(|mode| mode.as_str().to_owned());
        sql.text(") AND ifnull(a.access_mode = ").word(mode);
        sql.text(", 1) AND ifnull(a.model_key = ").word(filter.model.clone());
        sql.text(", 1) AND ifnull(a.is_active = ").number(filter.is_active.map(i64::from));
        sql.text(", 1) AND a.api_enabled >= ").number(i64::from(filter.api_enabled_only));
        sql.text(" AND (").word(filter.q.clone()).text(" IS NULL OR instr(a.name_key, ");
        sql.word(filter.q.clone()).text(") > 0 OR instr(a.description_key, ");
        sql.word(filter.q.clone()).text(") > 0)");
        self.labels(sql);
        self.metadata(sql);
        self.shown_in_chat(sql);
    }

    /// With the tag, and marked by the user: both at home only.
    fn labels<R>(&self, sql: &mut Sql<R>) {
        let tag = self.query.filter.tag.map(|tag| tag.to_string());
        sql.text(" AND (").word(tag.clone()).text(" IS NULL OR (a.organization_id = ");
        sql.word(self.home.text());
        sql.text(" AND EXISTS (SELECT 1 FROM json_each(a.tags) t WHERE t.value = ").word(tag);
        let user = self.query.filter.favorite_of.map(|user| Key::from(user).text());
        sql.text("))) AND (").word(user.clone()).text(" IS NULL OR EXISTS (SELECT 1");
        sql.text(" FROM favorites m WHERE m.organization_id = ").word(self.home.text());
        sql.text(" AND m.user_id = ").word(user).text(" AND m.assistant_id = a.id))");
    }

    /// No pair is wanted that the assistant lacks.
    fn metadata<R>(&self, sql: &mut Sql<R>) {
        let pairs = self.query.filter.metadata.iter();
        let wanted: serde_json::Value = pairs.map(|(key, value)| vec![&**key, &**value]).collect();
        sql.text(" AND NOT EXISTS (SELECT 1 FROM json_each(").word(wanted.to_string());
        sql.text(
            ") p WHERE NOT EXISTS (SELECT 1 FROM json_each(a.content, '$.metadata') m \
             WHERE m.key = p.value ->> 0 AND m.value = p.value ->> 1))",
        );
    }

    /// Shown in chat to all or to this user, or edited by the caller.
    fn shown_in_chat<R>(&self, sql: &mut Sql<R>) {
        let user = self.query.filter.visible_in_chat_to.map(|user| user.to_string());
        let home = self.query.standing.administers.then(|| self.home.text());
        sql.text(" AND (").word(user.clone());
        sql.text(
            " IS NULL OR ifnull(json_array_length(a.policy, '$.visible_in_chat_to_users'), 0) = 0 \
             OR EXISTS (SELECT 1 FROM json_each(a.policy, '$.visible_in_chat_to_users') u \
             WHERE u.value = ",
        );
        sql.word(user).text(") OR ifnull(a.organization_id = ").word(home);
        sql.text(", 0) OR ");
        self.reached(sql, "a", Level::Edit);
        sql.text(")");
    }

    /// The caller reaches the row `name` of assistants with this level or a higher one.
    pub(super) fn reached<R>(&self, sql: &mut Sql<R>, name: &'static str, level: Level) {
        sql.text("EXISTS (SELECT 1 FROM json_each(").word(self.lookups_json.clone());
        sql.text(") l CROSS JOIN assistant_audience g ON g.organization_id = ").text(name);
        sql.text(".organization_id AND g.assistant_id = ").text(name);
        sql.text(".id AND g.realm = l.value ->> 0 AND g.key = l.value ->> 1 WHERE g.level >= ");
        sql.number(i64::from(level.rank())).text(")");
    }
}

/// Whether the filter says anything. `only` is not among what it says: that goes
/// another way.
pub(super) fn is_filtered(filter: &AssistantFilter) -> bool {
    let AssistantFilter {
        q,
        kind,
        owner,
        access_mode,
        model,
        is_active,
        api_enabled_only,
        visible_in_chat_to,
        metadata,
        only: _,
        tag,
        favorite_of,
    } = filter;
    q.is_some()
        || kind.is_some()
        || owner.is_some()
        || access_mode.is_some()
        || model.is_some()
        || is_active.is_some()
        || *api_enabled_only
        || visible_in_chat_to.is_some()
        || !metadata.is_empty()
        || tag.is_some()
        || favorite_of.is_some()
}
