//! The tables, as the migrations make and describe them.

diesel::table! {
    installation (only) {
        only -> Integer,
        key_check -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    organizations (id) {
        id -> Text,
        name -> Text,
        settings -> Text,
        created_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    users (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        email -> Text,
        name -> Text,
        name_key -> Text,
        role -> Text,
        departments -> Text,
        ai_seat -> Bool,
        disabled -> Bool,
        password -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
        external_id -> Nullable<Text>,
    }
}

diesel::table! {
    teams (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        name -> Text,
        name_key -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    team_members (organization_id, team_id, user_id) {
        organization_id -> Text,
        team_id -> Text,
        user_id -> Text,
        role -> Text,
    }
}

diesel::table! {
    api_tokens (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        kind -> Text,
        notes -> Text,
        read_only -> Bool,
        assistant_id -> Nullable<Text>,
        cidr -> Nullable<Text>,
        scopes -> Text,
        expires_at -> Nullable<BigInt>,
        hash -> Binary,
        created_at -> BigInt,
        updated_at -> BigInt,
        used_at -> Nullable<BigInt>,
        used_from -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        cookie -> Binary,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    assistants (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        editing_id -> Nullable<Text>,
        slug -> Nullable<Text>,
        name_key -> Text,
        kind -> Text,
        owner_user -> Nullable<Text>,
        owner_team -> Nullable<Text>,
        created_by -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        is_default -> Bool,
        version -> BigInt,
        revision -> BigInt,
        model_key -> Text,
        access_mode -> Text,
        is_active -> Bool,
        api_enabled -> Bool,
        description_key -> Nullable<Text>,
        policy -> Text,
        tags -> Text,
        shares -> Text,
        content -> Text,
    }
}

diesel::table! {
    assistant_audience (organization_id, assistant_id, realm, key) {
        organization_id -> Text,
        assistant_id -> Text,
        realm -> Text,
        key -> Text,
        level -> SmallInt,
        updated_at -> BigInt,
        created_at -> BigInt,
        name_key -> Text,
    }
}

diesel::table! {
    versions (organization_id, assistant_id, number) {
        organization_id -> Text,
        assistant_id -> Text,
        number -> BigInt,
        id -> Text,
        author -> Text,
        created_at -> BigInt,
        message -> Nullable<Text>,
        changes -> BigInt,
        content -> Text,
    }
}

diesel::table! {
    sealed_values (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        assistant_id -> Text,
        name -> Text,
        ciphertext -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    data_keys (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        wrapped -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit_events (organization_id, seq) {
        organization_id -> Text,
        seq -> BigInt,
        id -> Text,
        hash -> Nullable<Binary>,
        at -> BigInt,
        actor -> Nullable<Text>,
        token -> Nullable<Text>,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        action -> Text,
        target -> Text,
        assistant_id -> Nullable<Text>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
    }
}

diesel::table! {
    audit_heads (organization_id) {
        organization_id -> Text,
        seq -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    idempotency_keys (organization_id, user_id, route, key) {
        organization_id -> Text,
        user_id -> Text,
        route -> Text,
        key -> Text,
        body_hash -> Binary,
        created_at -> BigInt,
        status -> Nullable<Integer>,
        headers -> Nullable<Text>,
        body -> Nullable<Binary>,
    }
}

diesel::table! {
    blobs (organization_id, digest) {
        organization_id -> Text,
        digest -> Binary,
        size -> BigInt,
        touched_at -> BigInt,
    }
}

diesel::table! {
    blob_names (organization_id, kind, owner, digest) {
        organization_id -> Text,
        kind -> Text,
        owner -> Text,
        digest -> Binary,
    }
}

diesel::table! {
    uploads (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        name -> Nullable<Text>,
        declared_type -> Nullable<Text>,
        length -> Nullable<BigInt>,
        parts -> Text,
        digest -> Nullable<Binary>,
        size -> Nullable<BigInt>,
        media_type -> Nullable<Text>,
        metadata -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        purpose -> Text,
    }
}

diesel::table! {
    images (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        assistant_id -> Nullable<Text>,
        key -> Text,
        is_avatar -> Bool,
        digest -> Binary,
        size -> BigInt,
        created_at -> BigInt,
        origin -> Text,
    }
}

diesel::table! {
    extractions (organization_id, source) {
        organization_id -> Text,
        source -> Binary,
        outcome -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    providers (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        name -> Text,
        name_key -> Text,
        kind -> Text,
        base_url -> Nullable<Text>,
        api_key -> Nullable<Binary>,
        models -> Text,
        priority -> Integer,
        enabled -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    usage (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        assistant_id -> Nullable<Text>,
        kind -> Text,
        provider -> Text,
        model -> Text,
        quantity -> BigInt,
        at -> BigInt,
        input_tokens -> BigInt,
        output_tokens -> BigInt,
        cost_micros -> BigInt,
    }
}

diesel::table! {
    imports (organization_id, external) {
        organization_id -> Text,
        external -> Text,
        assistant_id -> Text,
    }
}

diesel::table! {
    rules (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        description_key -> Nullable<Text>,
        category -> Text,
        kind -> Text,
        scope -> Text,
        apply_mode -> Text,
        is_public -> Bool,
        is_active -> Bool,
        version -> BigInt,
        created_by -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        content -> Text,
    }
}

diesel::table! {
    rule_attachments (organization_id, rule_id, entity_kind, entity_id) {
        organization_id -> Text,
        rule_id -> Text,
        entity_kind -> Text,
        entity_id -> Text,
        priority -> SmallInt,
        character_limit -> BigInt,
        is_active -> Bool,
        attached_at -> BigInt,
        attached_by -> Text,
    }
}

diesel::table! {
    comments (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        assistant_id -> Text,
        parent_id -> Nullable<Text>,
        author -> Text,
        message -> Text,
        pointer -> Nullable<Text>,
        resolved_at -> Nullable<BigInt>,
        resolved_by -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    comment_reads (organization_id, user_id, assistant_id) {
        organization_id -> Text,
        user_id -> Text,
        assistant_id -> Text,
        read_until -> BigInt,
    }
}

diesel::table! {
    tags (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        name -> Text,
        name_key -> Text,
        color -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    favorites (organization_id, user_id, assistant_id) {
        organization_id -> Text,
        user_id -> Text,
        assistant_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    webhooks (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        url -> Text,
        description -> Nullable<Text>,
        events -> Text,
        secret -> Binary,
        enabled -> Bool,
        disabled_reason -> Nullable<Text>,
        cursor -> BigInt,
        failing_since -> Nullable<BigInt>,
        created_by -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        revision -> BigInt,
    }
}

diesel::table! {
    webhook_deliveries (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        webhook_id -> Text,
        event_seq -> BigInt,
        event_id -> Text,
        action -> Text,
        state -> Text,
        next_attempt_at -> BigInt,
        created_at -> BigInt,
        revision -> BigInt,
        attempts -> Text,
    }
}

diesel::table! {
    threads (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        assistant_id -> Nullable<Text>,
        visible -> Bool,
        title_key -> Nullable<Text>,
        revision -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    messages (organization_id, thread_id, position) {
        organization_id -> Text,
        thread_id -> Text,
        position -> BigInt,
        id -> Text,
        document -> Text,
    }
}

diesel::table! {
    memories (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        assistant_id -> Text,
        document -> Text,
    }
}

diesel::table! {
    runs (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        user_id -> Text,
        status -> Text,
        visible -> Bool,
        lease_until -> Nullable<BigInt>,
        created_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        events_swept -> Bool,
        revision -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    approvals (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        run_id -> Text,
        state -> Text,
        expires_at -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    run_events (organization_id, run_id, sequence) {
        organization_id -> Text,
        run_id -> Text,
        sequence -> BigInt,
        name -> Text,
        data -> Text,
    }
}

diesel::table! {
    spending (organization_id, subject, subject_id, period) {
        organization_id -> Text,
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
        organization_id -> Text,
        id -> Text,
        name_key -> Text,
        revision -> BigInt,
        document -> Text,
    }
}

diesel::table! {
    executions (organization_id, id) {
        organization_id -> Text,
        id -> Text,
        automation_id -> Text,
        document -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(rules, rule_attachments);
diesel::allow_tables_to_appear_in_same_query!(blobs, blob_names);
diesel::allow_tables_to_appear_in_same_query!(users, api_tokens, sessions, team_members);
