CREATE TABLE public.campaigns (
    campaign text NOT NULL,
    instance_id text NOT NULL,
    created_at timestamp without time zone NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    conversation json,
    mode text DEFAULT 'simulation'::text NOT NULL,
    base_url text
);
CREATE TABLE public.ceilings (
    instance_id text NOT NULL,
    quota integer NOT NULL,
    ceiling integer NOT NULL,
    step integer NOT NULL,
    probe_at double precision,
    probe_seconds double precision NOT NULL
);
CREATE TABLE public.collected (
    campaign text NOT NULL,
    contact_id text NOT NULL,
    initial_contact_id text NOT NULL,
    initiation_method text,
    started_at timestamp without time zone,
    connected_at timestamp without time zone,
    ended_at timestamp without time zone,
    disconnect_reason text,
    messages_sent integer,
    attributes json,
    described_at timestamp without time zone NOT NULL,
    transcript text NOT NULL,
    looks integer DEFAULT 0 NOT NULL,
    look_again_at timestamp without time zone,
    trouble text,
    follow_until timestamp without time zone
);
CREATE TABLE public.contacts (
    id integer NOT NULL,
    campaign text NOT NULL,
    customer_id text NOT NULL,
    generation integer NOT NULL,
    status text NOT NULL,
    client_token text NOT NULL,
    request text NOT NULL,
    fingerprint text NOT NULL,
    messages json NOT NULL,
    attempts integer NOT NULL,
    sent_at timestamp without time zone,
    end_reason text,
    contact_id text,
    participant_id text,
    error_code text,
    error_message text,
    request_id text,
    planned_at timestamp without time zone NOT NULL,
    started_at timestamp without time zone,
    connected_at timestamp without time zone,
    first_reply_at timestamp without time zone,
    ended_at timestamp without time zone,
    claimed_by text,
    claimed_until timestamp without time zone,
    customer_key text DEFAULT ''::text NOT NULL,
    table_id text,
    transcript_complete boolean,
    items_skipped integer DEFAULT 0 NOT NULL,
    handed_over_at timestamp without time zone
);
CREATE SEQUENCE public.contacts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.contacts_id_seq OWNED BY public.contacts.id;
CREATE TABLE public.holders (
    instance_id text NOT NULL,
    worker text NOT NULL,
    open integer NOT NULL,
    wanted integer NOT NULL,
    granted integer NOT NULL,
    until double precision NOT NULL
);
CREATE TABLE public.invitations (
    token_hash text NOT NULL,
    campaign text NOT NULL,
    customer_id text NOT NULL,
    customer_key text NOT NULL,
    key_id text NOT NULL,
    issued_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone NOT NULL,
    revoked_at timestamp without time zone,
    opened_at timestamp without time zone,
    opens integer DEFAULT 0 NOT NULL,
    taken_out text,
    next_row text
);
CREATE TABLE public.items (
    campaign text NOT NULL,
    contact_id text NOT NULL,
    message_id text NOT NULL,
    customer_id text NOT NULL,
    absolute_time timestamp without time zone NOT NULL,
    participant_role text,
    participant_id text,
    display_name text,
    type text NOT NULL,
    content_type text,
    content text
);
CREATE TABLE public.ledger (
    schema_version integer NOT NULL
);
CREATE SEQUENCE public.ledger_schema_version_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.ledger_schema_version_seq OWNED BY public.ledger.schema_version;
CREATE TABLE public.paces (
    instance_id text NOT NULL,
    api text NOT NULL,
    full_rate double precision NOT NULL,
    burst integer NOT NULL,
    rate double precision NOT NULL,
    credit double precision NOT NULL,
    seen_at double precision NOT NULL,
    slowed_at double precision NOT NULL
);
CREATE TABLE public.refusals (
    campaign text NOT NULL,
    "position" integer NOT NULL,
    customer_id text,
    status text NOT NULL,
    error_code text NOT NULL,
    error_message text NOT NULL,
    customer_key text
);
ALTER TABLE ONLY public.contacts ALTER COLUMN id SET DEFAULT nextval('public.contacts_id_seq'::regclass);
ALTER TABLE ONLY public.ledger ALTER COLUMN schema_version SET DEFAULT nextval('public.ledger_schema_version_seq'::regclass);
INSERT INTO public.campaigns VALUES ('renewals', '6f1c2d3e-0000-4000-8000-c0ffee000001', '2026-11-27 20:06:12.836615', 'running', NULL, 'simulation', NULL);
INSERT INTO public.campaigns VALUES ('links', '6f1c2d3e-0000-4000-8000-c0ffee000001', '2026-11-27 20:06:14.235449', 'running', NULL, 'invitation', NULL);
INSERT INTO public.ceilings VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001/unconnected', 150000, 150000, 1, NULL, 2);
INSERT INTO public.ceilings VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 500, 500, 1, NULL, 2);
INSERT INTO public.collected VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', '572e8ebc-34de-41d2-ab50-b75ba5594397', 'API', '2026-11-27 20:06:13.491865', '2026-11-27 20:06:13.575493', '2026-11-27 20:06:13.622497', 'CONTACT_FLOW_DISCONNECT', 1, NULL, '2026-11-27 20:06:15.105313', 'stored', 1, NULL, NULL, '2026-11-27 20:21:13.622497');
INSERT INTO public.collected VALUES ('links', '534a47db-032e-466f-850e-2f698e7d483f', '534a47db-032e-466f-850e-2f698e7d483f', 'API', '2026-11-27 20:06:14.467581', NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:15.628246', 'open', 0, NULL, NULL, NULL);
INSERT INTO public.contacts VALUES (4, 'renewals', '0003', 1, 'starting', 'connect-tasks-contact-1-63371938d658e42d2e194f0036bff31cbf8b5e6324240ace20bd0114f1029ec9', '{"ClientToken":"connect-tasks-contact-1-63371938d658e42d2e194f0036bff31cbf8b5e6324240ace20bd0114f1029ec9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0003","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 3"}}', '8afd99baeea229d30ddd7db8a4d459980d8f0979340768d3165172a724bc710c', '["9"]', 1, '2026-11-27 20:06:14.216189', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, NULL, 'a dead worker', '2026-11-27 20:06:44.216189', '0003', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (9, 'renewals', '0008', 1, 'failed', 'connect-tasks-contact-1-9e91e5a1abc2b36706c1119a7ba8546a400a3bd20fa81845522ab64545213574', '{"ClientToken":"connect-tasks-contact-1-9e91e5a1abc2b36706c1119a7ba8546a400a3bd20fa81845522ab64545213574","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0008","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 8"}}', 'e0aba3bec42f3cdc79f4b8b8360442dc9d6f42263c2bbb58faf9bb3ec30763b3', '["9"]', 0, NULL, NULL, NULL, NULL, 'WithdrawnByPerson', 'complained', NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, '2026-11-27 20:06:14.229284', NULL, NULL, '0008', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (6, 'renewals', '0005', 1, 'planned', 'connect-tasks-contact-1-430b5dda42f991b8ef8e628a921bbeaa12b6e75ba77e0ca099c0e6397d36c3d9', '{"ClientToken":"connect-tasks-contact-1-430b5dda42f991b8ef8e628a921bbeaa12b6e75ba77e0ca099c0e6397d36c3d9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0005","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 5"}}', 'f0c1652187d4ba0d2699c83f1ef24892c2916c96a57ea1301ba12dbb0de43061', '["9"]', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, NULL, NULL, NULL, '0005', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (7, 'renewals', '0006', 1, 'planned', 'connect-tasks-contact-1-d7a6f2fec0d3d50e8c4fc575ae994f07f7190f9e82f246714bec7207e135dacd', '{"ClientToken":"connect-tasks-contact-1-d7a6f2fec0d3d50e8c4fc575ae994f07f7190f9e82f246714bec7207e135dacd","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0006","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 6"}}', 'c6cd6db338890d6eca48bc989328d88609a835ba4c35d2705244cbe6452e5f30', '["9"]', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, NULL, NULL, NULL, '0006', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (8, 'renewals', '0007', 1, 'planned', 'connect-tasks-contact-1-69999902b1e9eb27e85f76f38d7a425e11c6236cea197e48b78d0d4792120bf0', '{"ClientToken":"connect-tasks-contact-1-69999902b1e9eb27e85f76f38d7a425e11c6236cea197e48b78d0d4792120bf0","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0007","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 7"}}', '9567748dded4fcd20db632037fb6bb761b739b7c77c5e8164f09398238f6a023', '["9"]', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, NULL, NULL, NULL, '0007', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (2, 'renewals', '0001', 1, 'completed', 'connect-tasks-contact-1-381197d77bac4398f4c3b48c4b5cc0bca2afe342ee314c29f3242e49df53a6e9', '{"ClientToken":"connect-tasks-contact-1-381197d77bac4398f4c3b48c4b5cc0bca2afe342ee314c29f3242e49df53a6e9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0001","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 1"}}', '368b23c4d2da15cb8f69b04740dfebf88638241e1d3b3037c37ebdddef1f4bdc', '["9"]', 1, '2026-11-27 20:06:13.449698', 'chat_ended', '572e8ebc-34de-41d2-ab50-b75ba5594397', 'c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff', NULL, NULL, NULL, '2026-11-27 20:06:12.836615', '2026-11-27 20:06:13.494248', '2026-11-27 20:06:13.575827', '2026-11-27 20:06:13.638643', '2026-11-27 20:06:14.164189', '917c461c54e5419882103dee09a2e81a', NULL, '0001', '7e817c010f484f5d80758c9b0e134e56', true, 0, NULL);
INSERT INTO public.contacts VALUES (1, 'renewals', 'forgotten-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7', 1, 'completed', 'connect-tasks-contact-1-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7', '{}', '', '[]', 1, '2026-11-27 20:06:13.446641', 'chat_ended', NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:12.836615', '2026-11-27 20:06:13.494149', '2026-11-27 20:06:13.573801', '2026-11-27 20:06:13.635384', '2026-11-27 20:06:14.163585', NULL, NULL, 'forgotten-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7', '7e817c010f484f5d80758c9b0e134e56', true, 0, NULL);
INSERT INTO public.contacts VALUES (5, 'renewals', '0004', 1, 'planned', 'connect-tasks-contact-1-0774f4b2b50c4fd4110a951c6497e4970e55df4b7982367a4908195a5582db03', '{"ClientToken":"connect-tasks-contact-1-0774f4b2b50c4fd4110a951c6497e4970e55df4b7982367a4908195a5582db03","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0004","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 4"}}', 'b548331fb3ab58a986adef977d6b67c70c3b7e8442bb10bf85a8769f6594da7d', '["9"]', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, NULL, 'a dead worker', '2026-11-27 20:06:44.216189', '0004', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (3, 'renewals', '0002', 1, 'unknown', 'connect-tasks-contact-1-a236cc5f5a08187657203f71bc33c8098eb09a51761e52e01f6656bfd6f82a41', '{"ClientToken":"connect-tasks-contact-1-a236cc5f5a08187657203f71bc33c8098eb09a51761e52e01f6656bfd6f82a41","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0002","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 2"}}', '1a949bab59cb0c2048ed87d57cbc0abeb580f4964d28a9f985aadcb3388dcc25', '["9"]', 1, '2026-11-25 20:06:14.216189', NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.194419', NULL, NULL, NULL, NULL, 'a dead worker', '2026-11-27 20:06:44.216189', '0002', '3bea5d0287d24828952d6cf69626de40', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (11, 'links', 'b', 1, 'planned', 'connect-tasks-contact-1-a727897bdb276838306f8ae709ec4e8e37ca2fccb8f8bcc9a806765cdc4dfc07', '{"ClientToken":"connect-tasks-contact-1-a727897bdb276838306f8ae709ec4e8e37ca2fccb8f8bcc9a806765cdc4dfc07","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"b","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Ada"}}', '52804f8890a3d3560245b2f38cc878fff341a2f8f01becd7ffc3c620dbbee1be', '[]', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.235449', NULL, NULL, NULL, NULL, NULL, NULL, 'b', '2901f42787474462b208d3928bc509ec', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (12, 'links', 'c', 1, 'planned', 'connect-tasks-contact-1-ef905a71ea4e2efca2cf76806c6f3dc357e64c06bf4d4bf27f02caca6415a301', '{"ClientToken":"connect-tasks-contact-1-ef905a71ea4e2efca2cf76806c6f3dc357e64c06bf4d4bf27f02caca6415a301","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"c","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Ada"}}', 'af6511faca9ac709e5fb4eb5af7ae4df5cb6491758e5afad944bc7880bdc0836', '[]', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-27 20:06:14.235449', NULL, NULL, NULL, NULL, NULL, NULL, 'c', '2901f42787474462b208d3928bc509ec', NULL, 0, NULL);
INSERT INTO public.contacts VALUES (10, 'links', 'a', 1, 'started', 'connect-tasks-contact-1-b30a64c9a8fa6f27ad3a169bca888424bd14fbd16ebec3d084243df63dabcfbc', '{"ClientToken":"connect-tasks-contact-1-b30a64c9a8fa6f27ad3a169bca888424bd14fbd16ebec3d084243df63dabcfbc","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"a","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Ada"}}', '0f8f39c3f62a263f5b633d028859348a2dcfed8a7c324aa22484368bc7ad4e4f', '[]', 1, '2026-11-27 20:06:14.45162', NULL, '534a47db-032e-466f-850e-2f698e7d483f', '29f05d3d-3086-42a7-bb78-c05584d6a650', NULL, NULL, NULL, '2026-11-27 20:06:14.235449', '2026-11-27 20:06:14.468656', NULL, NULL, NULL, '4ed7e06ef2a64d979b9eaf825f379778', NULL, 'a', '2901f42787474462b208d3928bc509ec', NULL, 0, NULL);
INSERT INTO public.invitations VALUES ('6af3c4013e04b4373656e70653511d41a5cf145fbf402f00102346c87e8ed0cd', 'links', 'b', 'b', '4b972c6b', '2026-11-27 20:06:14.235449', '2026-12-27 20:06:14.235449', NULL, NULL, 0, NULL, NULL);
INSERT INTO public.invitations VALUES ('b77e5b378e08c32bf48769ecac5fbe1da2f7cc7e0626c04a929cb199b2e66723', 'links', 'a', 'a', '4b972c6b', '2026-11-27 20:06:14.235449', '2026-12-27 20:06:14.235449', NULL, '2026-11-27 20:06:14.39236', 1, NULL, NULL);
INSERT INTO public.invitations VALUES ('2b15391191ffbc2c58574976c45e35ce8a9d3896b9619aece8730b33637c9ad9', 'links', 'c', 'c', '4b972c6b', '2026-11-27 20:06:14.235449', '2026-12-27 20:06:14.235449', '2026-11-27 20:06:14.216189', NULL, 0, NULL, NULL);
INSERT INTO public.items VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', 'f7748171-4875-4585-a7d0-17c947c81210', '0001', '2026-11-27 20:06:13.575', 'CUSTOMER', 'c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff', 'Customer 1', 'EVENT', 'application/vnd.amazonaws.connect.event.participant.joined', NULL);
INSERT INTO public.items VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', 'b9bcd8f1-38b2-437a-b7ce-f1292ff71d90', '0001', '2026-11-27 20:06:13.576', 'SYSTEM', 'fff9ebe3-8ecd-47bd-922d-b5aa8ee3527d', 'BOT', 'MESSAGE', 'text/plain', 'Hello Customer 1, how likely are you to recommend us to a friend, from 0 to 10?');
INSERT INTO public.items VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', '4038bf2f-ff39-46e2-b19d-4a90e6726b85', '0001', '2026-11-27 20:06:13.622', 'CUSTOMER', 'c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff', 'Customer 1', 'MESSAGE', 'text/plain', '9');
INSERT INTO public.items VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', 'f5f755cb-e7db-47c0-b536-4a0002a64ed4', '0001', '2026-11-27 20:06:13.623', 'SYSTEM', 'fff9ebe3-8ecd-47bd-922d-b5aa8ee3527d', 'BOT', 'MESSAGE', 'text/plain', 'Thank you, 9 makes our day. Goodbye!');
INSERT INTO public.items VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', '65f09a98-8cb8-4cec-be39-10d0baad2eef', '0001', '2026-11-27 20:06:13.624', 'CUSTOMER', 'c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff', 'Customer 1', 'EVENT', 'application/vnd.amazonaws.connect.event.participant.left', NULL);
INSERT INTO public.items VALUES ('renewals', '572e8ebc-34de-41d2-ab50-b75ba5594397', '2946956c-cf9b-4354-93f1-1efa5c3e7dae', '0001', '2026-11-27 20:06:13.625', NULL, NULL, NULL, 'EVENT', 'application/vnd.amazonaws.connect.event.chat.ended', NULL);
INSERT INTO public.ledger VALUES (6);
INSERT INTO public.paces VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 'CreateParticipantConnection', 1000, 900, 1000, 899, 1795809973.555346, 0);
INSERT INTO public.paces VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 'SendMessage', 1000, 900, 1000, 899, 1795809973.607155, 0);
INSERT INTO public.paces VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 'StartChatContact', 1000, 900, 1000, 899, 1795809974.439901, 0);
INSERT INTO public.paces VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 'SearchContacts', 100000, 90000, 100000, 89999, 1795809975.227635, 0);
INSERT INTO public.paces VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 'ListInstanceStorageConfigs', 100000, 90000, 100000, 89999, 1795809975.261171, 0);
INSERT INTO public.paces VALUES ('6f1c2d3e-0000-4000-8000-c0ffee000001', 'DescribeContact', 100000, 90000, 100000, 89999, 1795809975.623044, 0);
INSERT INTO public.refusals VALUES ('renewals', 8, '0900', 'rejected', 'InvalidRow', 'participant_details.display_name: column ''display_name'' is empty; conversation.messages[0]: column ''score'' is empty', '0900');
SELECT pg_catalog.setval('public.contacts_id_seq', 12, true);
SELECT pg_catalog.setval('public.ledger_schema_version_seq', 1, false);
ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (campaign);
ALTER TABLE ONLY public.ceilings
    ADD CONSTRAINT ceilings_pkey PRIMARY KEY (instance_id);
ALTER TABLE ONLY public.collected
    ADD CONSTRAINT collected_pkey PRIMARY KEY (campaign, contact_id);
ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_client_token_key UNIQUE (client_token);
ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.holders
    ADD CONSTRAINT holders_pkey PRIMARY KEY (instance_id, worker);
ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.items
    ADD CONSTRAINT items_pkey PRIMARY KEY (campaign, contact_id, message_id);
ALTER TABLE ONLY public.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (schema_version);
ALTER TABLE ONLY public.paces
    ADD CONSTRAINT paces_pkey PRIMARY KEY (instance_id, api);
ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (campaign, "position");
CREATE INDEX collected_by_initial ON public.collected USING btree (campaign, initial_contact_id);
CREATE INDEX contacts_by_contact_id ON public.contacts USING btree (campaign, contact_id) WHERE (contact_id IS NOT NULL);
CREATE UNIQUE INDEX contacts_by_key ON public.contacts USING btree (campaign, customer_key, generation);
CREATE INDEX contacts_by_status ON public.contacts USING btree (campaign, status, id);
CREATE INDEX contacts_by_table ON public.contacts USING btree (campaign, table_id, status, id) WHERE (table_id IS NOT NULL);
CREATE INDEX contacts_claimed ON public.contacts USING btree (campaign, claimed_by) WHERE (claimed_until IS NOT NULL);
CREATE INDEX contacts_open ON public.contacts USING btree (campaign, started_at) WHERE (status = ANY (ARRAY['started'::text, 'connected'::text]));
CREATE UNIQUE INDEX invitations_by_customer ON public.invitations USING btree (campaign, customer_key);
