BEGIN TRANSACTION;
CREATE TABLE campaigns (
	campaign TEXT NOT NULL, 
	instance_id TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (campaign)
);
INSERT INTO "campaigns" VALUES('renewals','6f1c2d3e-0000-4000-8000-c0ffee000001','2026-11-22 08:29:52.139544');
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
	PRIMARY KEY (id), 
	UNIQUE (campaign, customer_id, generation), 
	UNIQUE (client_token)
);
INSERT INTO "contacts" VALUES(1,'renewals','0000',1,'completed','connect-tasks-contact-1-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7','{"ClientToken":"connect-tasks-contact-1-90dd91c67803e7958ff2f60902bd75cb44f270b14c14df13e1a1856ce2629bc7","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0000","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 0"}}','7f25a150b8505db1fc71e8b4a806089b57c414a3207374b1b09f5e334b5e4bf3','["9"]',1,'2026-11-22 08:29:52.296222','chat_ended','e0458bdc-8a06-4775-b5cd-7ab249e477f8','23e89d6c-4324-4d3c-825d-154385c38c31',NULL,NULL,NULL,'2026-11-22 08:29:52.139544','2026-11-22 08:29:52.317803','2026-11-22 08:29:52.341919','2026-11-22 08:29:52.346647','2026-11-22 08:29:52.360904','7d4016cf86c449b3807888a0b4e9bc1d',NULL);
INSERT INTO "contacts" VALUES(2,'renewals','0001',1,'completed','connect-tasks-contact-1-381197d77bac4398f4c3b48c4b5cc0bca2afe342ee314c29f3242e49df53a6e9','{"ClientToken":"connect-tasks-contact-1-381197d77bac4398f4c3b48c4b5cc0bca2afe342ee314c29f3242e49df53a6e9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0001","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 1"}}','368b23c4d2da15cb8f69b04740dfebf88638241e1d3b3037c37ebdddef1f4bdc','["9"]',1,'2026-11-22 08:29:52.296290','chat_ended','572e8ebc-34de-41d2-ab50-b75ba5594397','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff',NULL,NULL,NULL,'2026-11-22 08:29:52.139544','2026-11-22 08:29:52.320111','2026-11-22 08:29:52.339242','2026-11-22 08:29:52.346088','2026-11-22 08:29:52.360451','7d4016cf86c449b3807888a0b4e9bc1d',NULL);
INSERT INTO "contacts" VALUES(3,'renewals','0002',1,'unknown','connect-tasks-contact-1-a236cc5f5a08187657203f71bc33c8098eb09a51761e52e01f6656bfd6f82a41','{"ClientToken":"connect-tasks-contact-1-a236cc5f5a08187657203f71bc33c8098eb09a51761e52e01f6656bfd6f82a41","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0002","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 2"}}','1a949bab59cb0c2048ed87d57cbc0abeb580f4964d28a9f985aadcb3388dcc25','["9"]',4,'2026-11-22 08:29:52.296310',NULL,NULL,NULL,'ConnectionClosedError','Connection was closed before we received a valid response from endpoint URL: "http://127.0.0.1:40699/contact/chat".',NULL,'2026-11-22 08:29:52.139544',NULL,NULL,NULL,NULL,'7d4016cf86c449b3807888a0b4e9bc1d',NULL);
INSERT INTO "contacts" VALUES(4,'renewals','0003',1,'failed','connect-tasks-contact-1-63371938d658e42d2e194f0036bff31cbf8b5e6324240ace20bd0114f1029ec9','{"ClientToken":"connect-tasks-contact-1-63371938d658e42d2e194f0036bff31cbf8b5e6324240ace20bd0114f1029ec9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0003","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 3"}}','8afd99baeea229d30ddd7db8a4d459980d8f0979340768d3165172a724bc710c','["9"]',1,'2026-11-22 08:29:52.296332',NULL,NULL,NULL,'InvalidParameterException','Internal Service Error','00000000-0000-4000-8000-000000000001','2026-11-22 08:29:52.139544',NULL,NULL,NULL,'2026-11-22 08:29:52.316573','7d4016cf86c449b3807888a0b4e9bc1d',NULL);
INSERT INTO "contacts" VALUES(5,'renewals','0004',1,'planned','connect-tasks-contact-1-0774f4b2b50c4fd4110a951c6497e4970e55df4b7982367a4908195a5582db03','{"ClientToken":"connect-tasks-contact-1-0774f4b2b50c4fd4110a951c6497e4970e55df4b7982367a4908195a5582db03","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0004","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 4"}}','b548331fb3ab58a986adef977d6b67c70c3b7e8442bb10bf85a8769f6594da7d','["9"]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22 08:29:52.403904',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "contacts" VALUES(6,'renewals','0005',1,'planned','connect-tasks-contact-1-430b5dda42f991b8ef8e628a921bbeaa12b6e75ba77e0ca099c0e6397d36c3d9','{"ClientToken":"connect-tasks-contact-1-430b5dda42f991b8ef8e628a921bbeaa12b6e75ba77e0ca099c0e6397d36c3d9","ContactFlowId":"5d39fae2-1aa8-55bd-8dd7-a0afa01d031e","CustomerId":"0005","InstanceId":"6f1c2d3e-0000-4000-8000-c0ffee000001","ParticipantDetails":{"DisplayName":"Customer 5"}}','f0c1652187d4ba0d2699c83f1ef24892c2916c96a57ea1301ba12dbb0de43061','["9"]',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22 08:29:52.403904',NULL,NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','f7748171-4875-4585-a7d0-17c947c81210','0001','2026-11-22 08:29:52.337000','CUSTOMER','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff','Customer 1','EVENT','application/vnd.amazonaws.connect.event.participant.joined',NULL);
INSERT INTO "items" VALUES('renewals','e0458bdc-8a06-4775-b5cd-7ab249e477f8','3e364c1c-300f-44ec-a835-52279641561a','0000','2026-11-22 08:29:52.341000','CUSTOMER','23e89d6c-4324-4d3c-825d-154385c38c31','Customer 0','EVENT','application/vnd.amazonaws.connect.event.participant.joined',NULL);
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','b9bcd8f1-38b2-437a-b7ce-f1292ff71d90','0001','2026-11-22 08:29:52.338000','SYSTEM','fff9ebe3-8ecd-47bd-922d-b5aa8ee3527d','BOT','MESSAGE','text/plain','Hello Customer 1, how likely are you to recommend us to a friend, from 0 to 10?');
INSERT INTO "items" VALUES('renewals','e0458bdc-8a06-4775-b5cd-7ab249e477f8','f251cb73-31dc-43a5-87e9-25ea4aa3d1f0','0000','2026-11-22 08:29:52.342000','SYSTEM','1e4b5ff7-8cbc-4e35-9df8-f18b2d319fe4','BOT','MESSAGE','text/plain','Hello Customer 0, how likely are you to recommend us to a friend, from 0 to 10?');
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','4038bf2f-ff39-46e2-b19d-4a90e6726b85','0001','2026-11-22 08:29:52.350000','CUSTOMER','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff','Customer 1','MESSAGE','text/plain','9');
INSERT INTO "items" VALUES('renewals','e0458bdc-8a06-4775-b5cd-7ab249e477f8','ccfd8d8e-1795-4ff5-89d3-a1a196be551d','0000','2026-11-22 08:29:52.352000','CUSTOMER','23e89d6c-4324-4d3c-825d-154385c38c31','Customer 0','MESSAGE','text/plain','9');
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','f5f755cb-e7db-47c0-b536-4a0002a64ed4','0001','2026-11-22 08:29:52.351000','SYSTEM','fff9ebe3-8ecd-47bd-922d-b5aa8ee3527d','BOT','MESSAGE','text/plain','Thank you, 9 makes our day. Goodbye!');
INSERT INTO "items" VALUES('renewals','e0458bdc-8a06-4775-b5cd-7ab249e477f8','aed9dffb-0bef-4898-8529-ac74f2d71081','0000','2026-11-22 08:29:52.353000','SYSTEM','1e4b5ff7-8cbc-4e35-9df8-f18b2d319fe4','BOT','MESSAGE','text/plain','Thank you, 9 makes our day. Goodbye!');
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','65f09a98-8cb8-4cec-be39-10d0baad2eef','0001','2026-11-22 08:29:52.352000','CUSTOMER','c2a0a3d1-e238-494a-9d8a-ce58fe2a4dff','Customer 1','EVENT','application/vnd.amazonaws.connect.event.participant.left',NULL);
INSERT INTO "items" VALUES('renewals','e0458bdc-8a06-4775-b5cd-7ab249e477f8','063530f7-63f9-4b39-9d3f-c657fbd6c650','0000','2026-11-22 08:29:52.354000','CUSTOMER','23e89d6c-4324-4d3c-825d-154385c38c31','Customer 0','EVENT','application/vnd.amazonaws.connect.event.participant.left',NULL);
INSERT INTO "items" VALUES('renewals','572e8ebc-34de-41d2-ab50-b75ba5594397','2946956c-cf9b-4354-93f1-1efa5c3e7dae','0001','2026-11-22 08:29:52.353000',NULL,NULL,NULL,'EVENT','application/vnd.amazonaws.connect.event.chat.ended',NULL);
INSERT INTO "items" VALUES('renewals','e0458bdc-8a06-4775-b5cd-7ab249e477f8','eaeee8f5-5c73-4237-a6d9-825f959d395e','0000','2026-11-22 08:29:52.355000',NULL,NULL,NULL,'EVENT','application/vnd.amazonaws.connect.event.chat.ended',NULL);
CREATE TABLE ledger (
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (schema_version)
);
INSERT INTO "ledger" VALUES(1);
CREATE TABLE refusals (
	campaign TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	customer_id TEXT, 
	status TEXT NOT NULL, 
	error_code TEXT NOT NULL, 
	error_message TEXT NOT NULL, 
	PRIMARY KEY (campaign, position)
);
INSERT INTO "refusals" VALUES('renewals',6,'0009','rejected','InvalidRow','participant_details.display_name: column ''display_name'' is empty; conversation.messages[0]: column ''score'' is empty');
INSERT INTO "refusals" VALUES('renewals',7,'0000','duplicate','DuplicateCustomer','repeats the customer of row 0');
CREATE INDEX contacts_by_status ON contacts (campaign, status, id);
COMMIT;
