"""What becomes in a chat of the types of action that are not played; those are in `actions`."""

__all__ = ["NO_EFFECT", "OTHER_SERVICES", "VOICE_ONLY"]

VOICE_ONLY = frozenset(
    {
        "CheckOutboundCallStatus",
        "CheckVoiceId",
        "CreateCallbackContact",
        "GetParticipantInput",
        "StartVoiceIdStream",
        "TransferContactToAgent",
        "TransferParticipantToThirdParty",
        "UpdateContactCallbackNumber",
        "UpdateContactMediaStreamingBehavior",
        "UpdatePreviousContactParticipantState",
    }
)
"""They take their error branch in a chat, and show nothing."""

NO_EFFECT = frozenset(
    {
        "CreateWisdomSession",
        "TagContact",
        "UntagContact",
        "UpdateContactMediaProcessing",
        "UpdateContactRecordingAndAnalyticsBehavior",
        "UpdateContactRecordingBehavior",
        "UpdateContactRoutingBehavior",
        "UpdateContactRoutingCriteria",
        "UpdateContactTextToSpeechVoice",
        "UpdateFlowLoggingBehavior",
    }
)
"""They change nothing that a chat shows, and lead on."""

OTHER_SERVICES = frozenset(
    {
        "AuthenticateParticipant",
        "CreateCase",
        "CreateCustomerProfile",
        "CreatePersistentContactAssociation",
        "CreateTask",
        "GetCase",
        "GetCustomerProfile",
        "GetCustomerProfileObject",
        "StartOutboundChatContact",
        "UpdateCase",
        "UpdateCustomerProfile",
    }
)
"""They need a service that is not here: they take their error branch."""
