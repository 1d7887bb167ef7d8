BEGIN TRANSACTION;
CREATE TABLE campaigns (
	campaign TEXT NOT NULL, 
	instance_id TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	state TEXT DEFAULT 'running' NOT NULL, 
	conversation JSON, 
	mode TEXT DEFAULT 'simulation' NOT NULL, 
	base_url TEXT, 
	PRIMARY KEY (campaign)
);
INSERT INTO "campaigns" VALUES('renewals','6f1c2d3e-0000-4000-8000-c0ffee000001','2026-11-27 20:05:47.368599','running',NULL,'simulation',NULL);
INSERT INTO "campaigns" VALUES('links','6f1c2d3e-0000-4000-8000-c0ffee000001','2026-11-27 20:05:48.984324','running',NULL,'invitation',NULL);
CREATE TABLE ceilings (
	instance_id TEXT NOT NULL, 
	quota INTEGER NOT NULL, 
	ceiling INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	probe_at DOUBLE, 
	probe_seconds DOUBLE NOT NULL, 
	PRIMARY KEY (instance_id)
);
INSERT INTO "ceilings" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001',500,500,1,NULL,2.0);
INSERT INTO "ceilings" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001/unconnected',150000,150000,1,NULL,2.0);
CREATE TABLE collected (
	campaign TEXT NOT NULL, 
	contact_id TEXT NOT NULL, 
	initial_contact_id TEXT NOT NULL, 
	initiation_method TEXT, 
	started_at DATETIME, 
	connected_at DATETIME, 
	ended_at DATETIME, 
	disconnect_reason TEXT, 
	messages_sent INTEGER, 
	attributes JSON, 
	described_at DATETIME NOT NULL, 
	transcript TEXT NOT NULL, 
	looks INTEGER DEFAULT '0' NOT NULL, 
	look_again_at DATETIME, 
	trouble TEXT, 
	follow_until DATETIME, 
	PRIMARY KEY (campaign, contact_id)
);
INSERT INTO "collected" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','572e8ebc-34de-41d2-ab50-b75ba5594397','API','2026-11-27 20:05:47.805993','2026-11-27 20:05:47.831285','2026-11-27 20:05:47.898427','CONTACT_FLOW_DISCONNECT',1,NULL,'2026-11-27 20:05:50.053975','stored',1,NULL,NULL,'2026-11-27 20:20:47.898427');
INSERT INTO "collected" VALUES('links','534a47db-032e-466f-850e-2f698e7d483f','534a47db-032e-466f-850e-2f698e7d483f','API','2026-11-27 20:05:49.383583',NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:50.492842','open',0,NULL,NULL,NULL);
CREATE TABLE contacts (
	id INTEGER NOT NULL, 
	campaign TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	client_token TEXT NOT NULL, 
	request TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	messages JSON NOT NULL, 
	attempts INTEGER NOT NULL, 
	sent_at DATETIME, 
	end_reason TEXT, 
	contact_id TEXT, 
	participant_id TEXT, 
	error_code TEXT, 
	error_message TEXT, 
	request_id TEXT, 
	planned_at DATETIME NOT NULL, 
	started_at DATETIME, 
	connected_at DATETIME, 
	first_reply_at DATETIME, 
	ended_at DATETIME, 
	claimed_by TEXT, 
	claimed_until DATETIME, 
	customer_key TEXT DEFAULT '' NOT NULL, 
	table_id TEXT, 
	transcript_complete BOOLEAN, 
	items_skipped INTEGER DEFAULT '0' NOT NULL, 
	handed_over_at DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (client_token)
);
INSERT INTO "contacts" VALUES(1,'renewals','forgotten-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7',1,'completed','connect-tasks-contact-1-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7','{}','','[]',1,'2026-11-27 20:05:47.779523','chat_ended',NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:47.368599','2026-11-27 20:05:47.799337','2026-11-27 20:05:47.829218','2026-11-27 20:05:47.919437','2026-11-27 20:05:48.467014',NULL,NULL,'forgotten-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7','39ab68d3ac4c487e9bbd870c2e6504bb',1,0,NULL);
INSERT INTO "contacts" VALUES(2,'renewals','0001',1,'completed','connect-tasks-contact-1-381197d77bac4398f4c3b48c4b5cc0bca2afe342ee314c29f3242e49df53a6e9','{"ClientToken":"connect-tasks-contact-1-381197d77bac4398f4c3b48c4b5cc0bca2afe342ee314c29f3242e49df53a6e9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0001","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 1"}}','368b23c4d2da15cb8f69b04740dfebf88638241e1d3b3037c37ebdddef1f4bdc','["9"]',1,'2026-11-27 20:05:47.783454','chat_ended','572e8ebc-34de-41d2-ab50-b75ba5594397','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff',NULL,NULL,NULL,'2026-11-27 20:05:47.368599','2026-11-27 20:05:47.806828','2026-11-27 20:05:47.831627','2026-11-27 20:05:47.923577','2026-11-27 20:05:48.469114','8371a408368e4dc49f22868515e24d78',NULL,'0001','39ab68d3ac4c487e9bbd870c2e6504bb',1,0,NULL);
INSERT INTO "contacts" VALUES(3,'renewals','0002',1,'unknown','connect-tasks-contact-1-a236cc5f5a08187657203f71bc33c8098eb09a51761e52e01f6656bfd6f82a41','{"ClientToken":"connect-tasks-contact-1-a236cc5f5a08187657203f71bc33c8098eb09a51761e52e01f6656bfd6f82a41","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0002","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 2"}}','1a949bab59cb0c2048ed87d57cbc0abeb580f4964d28a9f985aadcb3388dcc25','["9"]',1,'2026-11-25 20:05:48.913033',NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,NULL,'a dead worker','2026-11-27 20:06:18.913033','0002','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(4,'renewals','0003',1,'starting','connect-tasks-contact-1-63371938d658e42d2e194f0036bff31cbf8b5e6324240ace20bd0114f1029ec9','{"ClientToken":"connect-tasks-contact-1-63371938d658e42d2e194f0036bff31cbf8b5e6324240ace20bd0114f1029ec9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0003","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 3"}}','8afd99baeea229d30ddd7db8a4d459980d8f0979340768d3165172a724bc710c','["9"]',1,'2026-11-27 20:05:48.913033',NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,NULL,'a dead worker','2026-11-27 20:06:18.913033','0003','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(5,'renewals','0004',1,'planned','connect-tasks-contact-1-0774f4b2b50c4fd4110a951c6497e4970e55df4b7982367a4908195a5582db03','{"ClientToken":"connect-tasks-contact-1-0774f4b2b50c4fd4110a951c6497e4970e55df4b7982367a4908195a5582db03","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0004","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 4"}}','b548331fb3ab58a986adef977d6b67c70c3b7e8442bb10bf85a8769f6594da7d','["9"]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,NULL,'a dead worker','2026-11-27 20:06:18.913033','0004','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(6,'renewals','0005',1,'planned','connect-tasks-contact-1-430b5dda42f991b8ef8e628a921bbeaa12b6e75ba77e0ca099c0e6397d36c3d9','{"ClientToken":"connect-tasks-contact-1-430b5dda42f991b8ef8e628a921bbeaa12b6e75ba77e0ca099c0e6397d36c3d9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0005","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 5"}}','f0c1652187d4ba0d2699c83f1ef24892c2916c96a57ea1301ba12dbb0de43061','["9"]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,NULL,NULL,NULL,'0005','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(7,'renewals','0006',1,'planned','connect-tasks-contact-1-d7a6f2fec0d3d50e8c4fc575ae994f07f7190f9e82f246714bec7207e135dacd','{"ClientToken":"connect-tasks-contact-1-d7a6f2fec0d3d50e8c4fc575ae994f07f7190f9e82f246714bec7207e135dacd","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0006","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 6"}}','c6cd6db338890d6eca48bc989328d88609a835ba4c35d2705244cbe6452e5f30','["9"]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,NULL,NULL,NULL,'0006','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(8,'renewals','0007',1,'planned','connect-tasks-contact-1-69999902b1e9eb27e85f76f38d7a425e11c6236cea197e48b78d0d4792120bf0','{"ClientToken":"connect-tasks-contact-1-69999902b1e9eb27e85f76f38d7a425e11c6236cea197e48b78d0d4792120bf0","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0007","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 7"}}','9567748dded4fcd20db632037fb6bb761b739b7c77c5e8164f09398238f6a023','["9"]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,NULL,NULL,NULL,'0007','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(9,'renewals','0008',1,'failed','connect-tasks-contact-1-9e91e5a1abc2b36706c1119a7ba8546a400a3bd20fa81845522ab64545213574','{"ClientToken":"connect-tasks-contact-1-9e91e5a1abc2b36706c1119a7ba8546a400a3bd20fa81845522ab64545213574","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0008","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 8"}}','e0aba3bec42f3cdc79f4b8b8360442dc9d6f42263c2bbb58faf9bb3ec30763b3','["9"]',0,NULL,NULL,NULL,NULL,'WithdrawnByPerson','complained',NULL,'2026-11-27 20:05:48.506966',NULL,NULL,NULL,'2026-11-27 20:05:48.975369',NULL,NULL,'0008','52c7ead2ada0459594c8279c07d74015',NULL,0,NULL);
INSERT INTO "contacts" VALUES(10,'links','a',1,'started','connect-tasks-contact-1-b30a64c9a8fa6f27ad3a169bca888424bd14fbd16ebec3d084243df63dabcfbc','{"ClientToken":"connect-tasks-contact-1-b30a64c9a8fa6f27ad3a169bca888424bd14fbd16ebec3d084243df63dabcfbc","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"a","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Ada"}}','0f8f39c3f62a263f5b633d028859348a2dcfed8a7c324aa22484368bc7ad4e4f','[]',1,'2026-11-27 20:05:49.370742',NULL,'534a47db-032e-466f-850e-2f698e7d483f','29f05d3d-3086-42a7-bb78-c05584d6a650',NULL,NULL,NULL,'2026-11-27 20:05:48.984324','2026-11-27 20:05:49.385146',NULL,NULL,NULL,'69c094fdfd024cffaeb078c0969b0b30',NULL,'a','39f5c3025ef74ea79a70002d86f8493d',NULL,0,NULL);
INSERT INTO "contacts" VALUES(11,'links','b',1,'planned','connect-tasks-contact-1-a727897bdb276838306f8ae709ec4e8e37ca2fccb8f8bcc9a806765cdc4dfc07','{"ClientToken":"connect-tasks-contact-1-a727897bdb276838306f8ae709ec4e8e37ca2fccb8f8bcc9a806765cdc4dfc07","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"b","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Ada"}}','52804f8890a3d3560245b2f38cc878fff341a2f8f01becd7ffc3c620dbbee1be','[]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.984324',NULL,NULL,NULL,NULL,NULL,NULL,'b','39f5c3025ef74ea79a70002d86f8493d',NULL,0,NULL);
INSERT INTO "contacts" VALUES(12,'links','c',1,'planned','connect-tasks-contact-1-ef905a71ea4e2efca2cf76806c6f3dc357e64c06bf4d4bf27f02caca6415a301','{"ClientToken":"connect-tasks-contact-1-ef905a71ea4e2efca2cf76806c6f3dc357e64c06bf4d4bf27f02caca6415a301","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"c","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Ada"}}','af6511faca9ac709e5fb4eb5af7ae4df5cb6491758e5afad944bc7880bdc0836','[]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-27 20:05:48.984324',NULL,NULL,NULL,NULL,NULL,NULL,'c','39f5c3025ef74ea79a70002d86f8493d',NULL,0,NULL);
CREATE TABLE holders (
	instance_id TEXT NOT NULL, 
	worker TEXT NOT NULL, 
	open INTEGER NOT NULL, 
	wanted INTEGER NOT NULL, 
	granted INTEGER NOT NULL, 
	until DOUBLE NOT NULL, 
	PRIMARY KEY (instance_id, worker)
);
CREATE TABLE invitations (
	token_hash TEXT NOT NULL, 
	campaign TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	customer_key TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	issued_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	opened_at DATETIME, 
	opens INTEGER DEFAULT '0' NOT NULL, 
	taken_out TEXT, 
	next_row TEXT, 
	PRIMARY KEY (token_hash)
);
INSERT INTO "invitations" VALUES('b77e5b378e08c32bf48769ecac5fbe1da2f7cc7e0626c04a929cb199b2e66723','links','a','a','4b972c6b','2026-11-27 20:05:48.984324','2026-12-27 20:05:48.984324',NULL,'2026-11-27 20:05:49.334425',1,NULL,NULL);
INSERT INTO "invitations" VALUES('6af3c4013e04b4373656e70653511d41a5cf145fbf402f00102346c87e8ed0cd','links','b','b','4b972c6b','2026-11-27 20:05:48.984324','2026-12-27 20:05:48.984324',NULL,NULL,0,NULL,NULL);
INSERT INTO "invitations" VALUES('2b15391191ffbc2c58574976c45e35ce8a9d3896b9619aece8730b33637c9ad9','links','c','c','4b972c6b','2026-11-27 20:05:48.984324','2026-12-27 20:05:48.984324','2026-11-27 20:05:48.913033',NULL,0,NULL,NULL);
CREATE TABLE items (
	campaign TEXT NOT NULL, 
	contact_id TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	absolute_time DATETIME NOT NULL, 
	participant_role TEXT, 
	participant_id TEXT, 
	display_name TEXT, 
	type TEXT NOT NULL, 
	content_type TEXT, 
	content TEXT, 
	PRIMARY KEY (campaign, contact_id, message_id)
);
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','f7748171-4875-4585-a7d0-17c947c81210','0001','2026-11-27 20:05:47.831000','CUSTOMER','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff','Customer 1','EVENT','application/vnd.amazonaws.connect.event.participant.joined',NULL);
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','b9bcd8f1-38b2-437a-b7ce-f1292ff71d90','0001','2026-11-27 20:05:47.832000','SYSTEM','fff9ebe3-8ecd-47bd-922d-b5aa8ee3527d','BOT','MESSAGE','text/plain','Hello Customer 1, how likely are you to recommend us to a friend, from 0 to 10?');
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','4038bf2f-ff39-46e2-b19d-4a90e6726b85','0001','2026-11-27 20:05:47.898000','CUSTOMER','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff','Customer 1','MESSAGE','text/plain','9');
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','f5f755cb-e7db-47c0-b536-4a0002a64ed4','0001','2026-11-27 20:05:47.899000','SYSTEM','fff9ebe3-8ecd-47bd-922d-b5aa8ee3527d','BOT','MESSAGE','text/plain','Thank you, 9 makes our day. Goodbye!');
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','65f09a98-8cb8-4cec-be39-10d0baad2eef','0001','2026-11-27 20:05:47.900000','CUSTOMER','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff','Customer 1','EVENT','application/vnd.amazonaws.connect.event.participant.left',NULL);
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','2946956c-cf9b-4354-93f1-1efa5c3e7dae','0001','2026-11-27 20:05:47.901000',NULL,NULL,NULL,'EVENT','application/vnd.amazonaws.connect.event.chat.ended',NULL);
CREATE TABLE ledger (
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (schema_version)
);
INSERT INTO "ledger" VALUES(6);
CREATE TABLE paces (
	instance_id TEXT NOT NULL, 
	api TEXT NOT NULL, 
	full_rate DOUBLE NOT NULL, 
	burst INTEGER NOT NULL, 
	rate DOUBLE NOT NULL, 
	credit DOUBLE NOT NULL, 
	seen_at DOUBLE NOT NULL, 
	slowed_at DOUBLE NOT NULL, 
	PRIMARY KEY (instance_id, api)
);
INSERT INTO "paces" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001','StartChatContact',1000.0,900,1000.0,899.0,1.79580994935658597947e+09,0.0);
INSERT INTO "paces" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001','CreateParticipantConnection',1000.0,900,1000.0,899.0,1.79580994781686091423e+09,0.0);
INSERT INTO "paces" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001','SendMessage',1000.0,900,1000.0,899.0,1.79580994788761305809e+09,0.0);
INSERT INTO "paces" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001','ListInstanceStorageConfigs',100000.0,90000,100000.0,89999.0,1.79580995032397198679e+09,0.0);
INSERT INTO "paces" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001','DescribeContact',100000.0,90000,100000.0,89999.0,1.79580995047918701166e+09,0.0);
INSERT INTO "paces" VALUES('6f1c2d3e-0000-4000-8000-c0ffee000001','SearchContacts',100000.0,90000,100000.0,89999.0,1.79580995026741194729e+09,0.0);
CREATE TABLE refusals (
	campaign TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	customer_id TEXT, 
	status TEXT NOT NULL, 
	error_code TEXT NOT NULL, 
	error_message TEXT NOT NULL, 
	customer_key TEXT, 
	PRIMARY KEY (campaign, position)
);
INSERT INTO "refusals" VALUES('renewals',8,'0900','rejected','InvalidRow','participant_details.display_name: column ''display_name'' is empty; conversation.messages[0]: column ''score'' is empty','0900');
CREATE INDEX contacts_by_status ON contacts (campaign, status, id);
CREATE INDEX contacts_by_table ON contacts (campaign, table_id, status, id) WHERE table_id IS NOT NULL;
CREATE INDEX contacts_claimed ON contacts (campaign, claimed_by) WHERE claimed_until IS NOT NULL;
CREATE INDEX contacts_by_contact_id ON contacts (campaign, contact_id) WHERE contact_id IS NOT NULL;
CREATE UNIQUE INDEX contacts_by_key ON contacts (campaign, customer_key, generation);
CREATE INDEX contacts_open ON contacts (campaign, started_at) WHERE status IN ('started', 'connected');
CREATE UNIQUE INDEX invitations_by_customer ON invitations (campaign, customer_key);
CREATE INDEX collected_by_initial ON collected (campaign, initial_contact_id);
COMMIT;
