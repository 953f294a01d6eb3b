//! The tables, as the migrations make them.

diesel::table! {
    installation (single) {
        single -> Bool,
        key_check -> Binary,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organizations (id) {
        id -> Uuid,
        name -> Text,
        settings -> Json,
        created_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    users (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        email -> Text,
        name -> Text,
        name_key -> Text,
        role -> Text,
        departments -> Array<Text>,
        ai_seat -> Bool,
        disabled -> Bool,
        password -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revision -> BigInt,
        external_id -> Nullable<Text>,
    }
}

diesel::table! {
    teams (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    team_members (organization_id, team_id, user_id) {
        organization_id -> Uuid,
        team_id -> Uuid,
        user_id -> Uuid,
        role -> Text,
    }
}

diesel::table! {
    api_tokens (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        notes -> Text,
        read_only -> Bool,
        assistant_id -> Nullable<Uuid>,
        cidr -> Nullable<Text>,
        scopes -> Array<Text>,
        expires_at -> Nullable<Timestamptz>,
        hash -> Binary,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        used_from -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        cookie -> Binary,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    assistants (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        editing_id -> Nullable<Uuid>,
        slug -> Nullable<Text>,
        owner_user -> Nullable<Uuid>,
        owner_team -> Nullable<Uuid>,
        created_by -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        is_default -> Bool,
        version -> BigInt,
        revision -> BigInt,
        content -> Json,
        policy -> Json,
        kind -> Text,
        name_key -> Text,
        description_key -> Nullable<Text>,
        model_key -> Text,
        metadata -> Jsonb,
        access_mode -> Text,
        is_active -> Bool,
        api_enabled -> Bool,
        chat_users -> Array<Uuid>,
        shares -> Json,
        tags -> Jsonb,
    }
}

diesel::table! {
    versions (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        assistant_id -> Uuid,
        number -> BigInt,
        author -> Uuid,
        created_at -> Timestamptz,
        message -> Nullable<Text>,
        changes -> BigInt,
        content -> Json,
    }
}

diesel::table! {
    sealed_values (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        assistant_id -> Uuid,
        name -> Text,
        ciphertext -> Binary,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    data_keys (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        wrapped -> Binary,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit_events (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        at -> Timestamptz,
        actor -> Nullable<Uuid>,
        token -> Nullable<Uuid>,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        action -> Text,
        target -> Text,
        before -> Nullable<Json>,
        after -> Nullable<Json>,
        seq -> BigInt,
        hash -> Nullable<Binary>,
        assistant_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    audit_heads (organization_id) {
        organization_id -> Uuid,
        seq -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    idempotency_keys (organization_id, user_id, route, key) {
        organization_id -> Uuid,
        user_id -> Uuid,
        route -> Text,
        key -> Text,
        body_hash -> Binary,
        created_at -> Timestamptz,
        status -> Nullable<SmallInt>,
        headers -> Nullable<Json>,
        body -> Nullable<Binary>,
    }
}

diesel::table! {
    uploads (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        name -> Nullable<Text>,
        declared_type -> Nullable<Text>,
        length -> Nullable<BigInt>,
        parts -> Json,
        digest -> Nullable<Binary>,
        size -> Nullable<BigInt>,
        media_type -> Nullable<Text>,
        metadata -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        purpose -> Text,
    }
}

diesel::table! {
    images (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        assistant_id -> Nullable<Uuid>,
        key -> Text,
        is_avatar -> Bool,
        digest -> Binary,
        size -> BigInt,
        created_at -> Timestamptz,
        origin -> Json,
    }
}

diesel::table! {
    extractions (organization_id, source) {
        organization_id -> Uuid,
        source -> Binary,
        outcome -> Json,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    providers (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        kind -> Text,
        base_url -> Nullable<Text>,
        api_key -> Nullable<Binary>,
        models -> Json,
        priority -> Integer,
        enabled -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    usage (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        assistant_id -> Nullable<Uuid>,
        kind -> Text,
        provider -> Text,
        model -> Text,
        quantity -> BigInt,
        at -> Timestamptz,
        input_tokens -> BigInt,
        output_tokens -> BigInt,
        cost_micros -> BigInt,
    }
}

diesel::table! {
    imports (organization_id, external) {
        organization_id -> Uuid,
        external -> Text,
        assistant_id -> Uuid,
    }
}

diesel::table! {
    rules (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        description_key -> Text,
        content -> Text,
        category -> Text,
        kind -> Text,
        scope -> Text,
        apply_mode -> Text,
        is_public -> Bool,
        is_active -> Bool,
        version -> BigInt,
        created_by -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    rule_attachments (organization_id, rule_id, entity_kind, entity_id) {
        organization_id -> Uuid,
        rule_id -> Uuid,
        entity_kind -> Text,
        entity_id -> Text,
        priority -> SmallInt,
        character_limit -> BigInt,
        is_active -> Bool,
        attached_at -> Timestamptz,
        attached_by -> Uuid,
    }
}

diesel::table! {
    comments (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        assistant_id -> Uuid,
        parent_id -> Nullable<Uuid>,
        author -> Uuid,
        message -> Text,
        pointer -> Nullable<Text>,
        resolved_at -> Nullable<Timestamptz>,
        resolved_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    comment_reads (organization_id, user_id, assistant_id) {
        organization_id -> Uuid,
        user_id -> Uuid,
        assistant_id -> Uuid,
        read_until -> Timestamptz,
    }
}

diesel::table! {
    tags (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name -> Text,
        name_key -> Text,
        color -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    favorites (organization_id, user_id, assistant_id) {
        organization_id -> Uuid,
        user_id -> Uuid,
        assistant_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    webhooks (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        url -> Text,
        description -> Nullable<Text>,
        events -> Array<Text>,
        secret -> Binary,
        enabled -> Bool,
        disabled_reason -> Nullable<Text>,
        cursor -> BigInt,
        failing_since -> Nullable<Timestamptz>,
        created_by -> Uuid,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    webhook_deliveries (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        webhook_id -> Uuid,
        event_seq -> BigInt,
        event_id -> Uuid,
        action -> Text,
        state -> Text,
        attempts -> Json,
        next_attempt_at -> Timestamptz,
        created_at -> Timestamptz,
        revision -> BigInt,
    }
}

diesel::table! {
    threads (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        assistant_id -> Nullable<Uuid>,
        visible -> Bool,
        title_key -> Nullable<Text>,
        metadata -> Jsonb,
        revision -> BigInt,
        document -> Json,
    }
}

diesel::table! {
    messages (organization_id, thread_id, position) {
        organization_id -> Uuid,
        thread_id -> Uuid,
        position -> BigInt,
        id -> Uuid,
        document -> Json,
    }
}

diesel::table! {
    memories (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        assistant_id -> Uuid,
        document -> Json,
    }
}

diesel::table! {
    runs (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        user_id -> Uuid,
        status -> Text,
        visible -> Bool,
        lease_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        events_swept -> Bool,
        revision -> BigInt,
        document -> Json,
    }
}

diesel::table! {
    approvals (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        run_id -> Uuid,
        state -> Text,
        expires_at -> Timestamptz,
        document -> Json,
    }
}

diesel::table! {
    run_events (organization_id, run_id, sequence) {
        organization_id -> Uuid,
        run_id -> Uuid,
        sequence -> BigInt,
        name -> Text,
        data -> Json,
    }
}

diesel::table! {
    spending (organization_id, subject, subject_id, period) {
        organization_id -> Uuid,
        subject -> Text,
        subject_id -> Text,
        period -> Text,
        tokens -> BigInt,
        cost_micros -> BigInt,
        reserved_tokens -> BigInt,
    }
}

diesel::table! {
    automations (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        name_key -> Text,
        revision -> BigInt,
        document -> Json,
    }
}

diesel::table! {
    executions (organization_id, id) {
        organization_id -> Uuid,
        id -> Uuid,
        automation_id -> Uuid,
        document -> Json,
    }
}

diesel::allow_tables_to_appear_in_same_query!(teams, team_members);
diesel::allow_tables_to_appear_in_same_query!(rules, rule_attachments);
