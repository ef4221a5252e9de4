import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from pengbridge.v1 import command_pb2 as _command_pb2
from pengbridge.v1 import endpoint_pb2 as _endpoint_pb2
from pengbridge.v1 import event_pb2 as _event_pb2
from pengbridge.v1 import packet_pb2 as _packet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConnectWait(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONNECT_WAIT_UNSPECIFIED: _ClassVar[ConnectWait]
    CONNECT_WAIT_TCP: _ClassVar[ConnectWait]
    CONNECT_WAIT_HANDSHAKE: _ClassVar[ConnectWait]

class BodyFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BODY_FORMAT_UNSPECIFIED: _ClassVar[BodyFormat]
    BODY_FORMAT_MSGPACK: _ClassVar[BodyFormat]
    BODY_FORMAT_JSON: _ClassVar[BodyFormat]
CONNECT_WAIT_UNSPECIFIED: ConnectWait
CONNECT_WAIT_TCP: ConnectWait
CONNECT_WAIT_HANDSHAKE: ConnectWait
BODY_FORMAT_UNSPECIFIED: BodyFormat
BODY_FORMAT_MSGPACK: BodyFormat
BODY_FORMAT_JSON: BodyFormat

class GetInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetInfoResponse(_message.Message):
    __slots__ = ("version", "api_versions", "protocol_version", "pid", "started_at", "default_limits", "build", "max_message_bytes", "scope", "memory_budget_bytes", "memory_used_bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    API_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_LIMITS_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: str
    api_versions: _containers.RepeatedScalarFieldContainer[str]
    protocol_version: int
    pid: int
    started_at: _timestamp_pb2.Timestamp
    default_limits: _endpoint_pb2.Limits
    build: str
    max_message_bytes: int
    scope: str
    memory_budget_bytes: int
    memory_used_bytes: int
    def __init__(self, version: _Optional[str] = ..., api_versions: _Optional[_Iterable[str]] = ..., protocol_version: _Optional[int] = ..., pid: _Optional[int] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., default_limits: _Optional[_Union[_endpoint_pb2.Limits, _Mapping]] = ..., build: _Optional[str] = ..., max_message_bytes: _Optional[int] = ..., scope: _Optional[str] = ..., memory_budget_bytes: _Optional[int] = ..., memory_used_bytes: _Optional[int] = ...) -> None: ...

class BindRequest(_message.Message):
    __slots__ = ("address", "options", "ping")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    address: str
    options: _endpoint_pb2.EndpointOptions
    ping: _packet_pb2.PingOptions
    def __init__(self, address: _Optional[str] = ..., options: _Optional[_Union[_endpoint_pb2.EndpointOptions, _Mapping]] = ..., ping: _Optional[_Union[_packet_pb2.PingOptions, _Mapping]] = ...) -> None: ...

class BindResponse(_message.Message):
    __slots__ = ("endpoint_id", "address", "registry")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    address: _event_pb2.Address
    registry: _containers.RepeatedCompositeFieldContainer[_packet_pb2.RegisteredPacket]
    def __init__(self, endpoint_id: _Optional[str] = ..., address: _Optional[_Union[_event_pb2.Address, _Mapping]] = ..., registry: _Optional[_Iterable[_Union[_packet_pb2.RegisteredPacket, _Mapping]]] = ...) -> None: ...

class ConnectRequest(_message.Message):
    __slots__ = ("address", "options", "conntype", "wait", "timeout", "missing_packet_action", "disable_registry_sync")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CONNTYPE_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MISSING_PACKET_ACTION_FIELD_NUMBER: _ClassVar[int]
    DISABLE_REGISTRY_SYNC_FIELD_NUMBER: _ClassVar[int]
    address: str
    options: _endpoint_pb2.EndpointOptions
    conntype: str
    wait: ConnectWait
    timeout: _duration_pb2.Duration
    missing_packet_action: _endpoint_pb2.MissingPacketAction
    disable_registry_sync: bool
    def __init__(self, address: _Optional[str] = ..., options: _Optional[_Union[_endpoint_pb2.EndpointOptions, _Mapping]] = ..., conntype: _Optional[str] = ..., wait: _Optional[_Union[ConnectWait, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., missing_packet_action: _Optional[_Union[_endpoint_pb2.MissingPacketAction, str]] = ..., disable_registry_sync: _Optional[bool] = ...) -> None: ...

class ConnectResponse(_message.Message):
    __slots__ = ("endpoint_id", "local_address", "remote_address", "registry", "tls_level")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    TLS_LEVEL_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    local_address: _event_pb2.Address
    remote_address: _event_pb2.Address
    registry: _containers.RepeatedCompositeFieldContainer[_packet_pb2.RegisteredPacket]
    tls_level: _packet_pb2.TlsLevel
    def __init__(self, endpoint_id: _Optional[str] = ..., local_address: _Optional[_Union[_event_pb2.Address, _Mapping]] = ..., remote_address: _Optional[_Union[_event_pb2.Address, _Mapping]] = ..., registry: _Optional[_Iterable[_Union[_packet_pb2.RegisteredPacket, _Mapping]]] = ..., tls_level: _Optional[_Union[_packet_pb2.TlsLevel, str]] = ...) -> None: ...

class StartRequest(_message.Message):
    __slots__ = ("endpoint_id",)
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class StartResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SendMessageRequest(_message.Message):
    __slots__ = ("endpoint_id", "message")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    message: _command_pb2.Message
    def __init__(self, endpoint_id: _Optional[str] = ..., message: _Optional[_Union[_command_pb2.Message, _Mapping]] = ...) -> None: ...

class SendMessageResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BroadcastRequest(_message.Message):
    __slots__ = ("endpoint_id", "message")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    message: _command_pb2.BroadcastMessage
    def __init__(self, endpoint_id: _Optional[str] = ..., message: _Optional[_Union[_command_pb2.BroadcastMessage, _Mapping]] = ...) -> None: ...

class BroadcastResponse(_message.Message):
    __slots__ = ("queued", "skipped_connection_ids")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_CONNECTION_IDS_FIELD_NUMBER: _ClassVar[int]
    queued: int
    skipped_connection_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, queued: _Optional[int] = ..., skipped_connection_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class CloseConnectionRequest(_message.Message):
    __slots__ = ("endpoint_id", "close")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    close: _command_pb2.ConnectionClose
    def __init__(self, endpoint_id: _Optional[str] = ..., close: _Optional[_Union[_command_pb2.ConnectionClose, _Mapping]] = ...) -> None: ...

class CloseConnectionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UpdateConnectionRequest(_message.Message):
    __slots__ = ("endpoint_id", "update")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    update: _command_pb2.ConnectionUpdate
    def __init__(self, endpoint_id: _Optional[str] = ..., update: _Optional[_Union[_command_pb2.ConnectionUpdate, _Mapping]] = ...) -> None: ...

class UpdateConnectionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RegisterPacketsRequest(_message.Message):
    __slots__ = ("endpoint_id", "registration")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    registration: _command_pb2.PacketRegistration
    def __init__(self, endpoint_id: _Optional[str] = ..., registration: _Optional[_Union[_command_pb2.PacketRegistration, _Mapping]] = ...) -> None: ...

class RegisterPacketsResponse(_message.Message):
    __slots__ = ("packets",)
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    packets: _containers.RepeatedCompositeFieldContainer[_packet_pb2.RegisteredPacket]
    def __init__(self, packets: _Optional[_Iterable[_Union[_packet_pb2.RegisteredPacket, _Mapping]]] = ...) -> None: ...

class RegisterConntypesRequest(_message.Message):
    __slots__ = ("endpoint_id", "registration")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    registration: _command_pb2.ConntypeRegistration
    def __init__(self, endpoint_id: _Optional[str] = ..., registration: _Optional[_Union[_command_pb2.ConntypeRegistration, _Mapping]] = ...) -> None: ...

class RegisterConntypesResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AcknowledgeRequest(_message.Message):
    __slots__ = ("endpoint_id", "acknowledgement")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    acknowledgement: _command_pb2.Acknowledgement
    def __init__(self, endpoint_id: _Optional[str] = ..., acknowledgement: _Optional[_Union[_command_pb2.Acknowledgement, _Mapping]] = ...) -> None: ...

class AcknowledgeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CommandsRequest(_message.Message):
    __slots__ = ("endpoint_id", "sender", "first_number", "commands", "answer_later")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    FIRST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_LATER_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    sender: str
    first_number: int
    commands: _containers.RepeatedCompositeFieldContainer[_command_pb2.Command]
    answer_later: bool
    def __init__(self, endpoint_id: _Optional[str] = ..., sender: _Optional[str] = ..., first_number: _Optional[int] = ..., commands: _Optional[_Iterable[_Union[_command_pb2.Command, _Mapping]]] = ..., answer_later: _Optional[bool] = ...) -> None: ...

class CommandsResponse(_message.Message):
    __slots__ = ("applied_number", "failures", "recent_failures")
    APPLIED_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    RECENT_FAILURES_FIELD_NUMBER: _ClassVar[int]
    applied_number: int
    failures: _containers.RepeatedCompositeFieldContainer[_command_pb2.CommandFailure]
    recent_failures: _containers.RepeatedCompositeFieldContainer[_command_pb2.CommandFailure]
    def __init__(self, applied_number: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[_command_pb2.CommandFailure, _Mapping]]] = ..., recent_failures: _Optional[_Iterable[_Union[_command_pb2.CommandFailure, _Mapping]]] = ...) -> None: ...

class ListEndpointsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListEndpointsResponse(_message.Message):
    __slots__ = ("endpoints",)
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    endpoints: _containers.RepeatedCompositeFieldContainer[_endpoint_pb2.EndpointInfo]
    def __init__(self, endpoints: _Optional[_Iterable[_Union[_endpoint_pb2.EndpointInfo, _Mapping]]] = ...) -> None: ...

class ListConnectionsRequest(_message.Message):
    __slots__ = ("endpoint_id", "page_size", "after_connection_id")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    AFTER_CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    page_size: int
    after_connection_id: int
    def __init__(self, endpoint_id: _Optional[str] = ..., page_size: _Optional[int] = ..., after_connection_id: _Optional[int] = ...) -> None: ...

class ListConnectionsResponse(_message.Message):
    __slots__ = ("connections",)
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    connections: _containers.RepeatedCompositeFieldContainer[_endpoint_pb2.ConnectionInfo]
    def __init__(self, connections: _Optional[_Iterable[_Union[_endpoint_pb2.ConnectionInfo, _Mapping]]] = ...) -> None: ...

class InterruptRequest(_message.Message):
    __slots__ = ("endpoint_id",)
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class InterruptResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StopRequest(_message.Message):
    __slots__ = ("endpoint_id",)
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class StopResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShutdownRequest(_message.Message):
    __slots__ = ("endpoint_id", "shutdown")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    shutdown: _command_pb2.EndpointShutdown
    def __init__(self, endpoint_id: _Optional[str] = ..., shutdown: _Optional[_Union[_command_pb2.EndpointShutdown, _Mapping]] = ...) -> None: ...

class ShutdownResponse(_message.Message):
    __slots__ = ("delivered", "cut")
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    delivered: int
    cut: int
    def __init__(self, delivered: _Optional[int] = ..., cut: _Optional[int] = ...) -> None: ...

class PingRequest(_message.Message):
    __slots__ = ("address", "data", "timeout", "tls", "format")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    address: str
    data: _packet_pb2.PacketBody
    timeout: _duration_pb2.Duration
    tls: _endpoint_pb2.TlsOptions
    format: BodyFormat
    def __init__(self, address: _Optional[str] = ..., data: _Optional[_Union[_packet_pb2.PacketBody, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tls: _Optional[_Union[_endpoint_pb2.TlsOptions, _Mapping]] = ..., format: _Optional[_Union[BodyFormat, str]] = ...) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("data", "delay", "received_unix_nano")
    DATA_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    data: _packet_pb2.PacketBody
    delay: _duration_pb2.Duration
    received_unix_nano: int
    def __init__(self, data: _Optional[_Union[_packet_pb2.PacketBody, _Mapping]] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., received_unix_nano: _Optional[int] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("endpoint_id", "subscriber", "mode", "from_sequence", "format", "types", "session", "resume")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBER_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    subscriber: str
    mode: _endpoint_pb2.SubscriberMode
    from_sequence: int
    format: BodyFormat
    types: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    session: str
    resume: bool
    def __init__(self, endpoint_id: _Optional[str] = ..., subscriber: _Optional[str] = ..., mode: _Optional[_Union[_endpoint_pb2.SubscriberMode, str]] = ..., from_sequence: _Optional[int] = ..., format: _Optional[_Union[BodyFormat, str]] = ..., types: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., session: _Optional[str] = ..., resume: _Optional[bool] = ...) -> None: ...

class SubscribeResponse(_message.Message):
    __slots__ = ("events", "header", "heartbeat")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    header: SubscribeHeader
    heartbeat: SubscribeHeartbeat
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ..., header: _Optional[_Union[SubscribeHeader, _Mapping]] = ..., heartbeat: _Optional[_Union[SubscribeHeartbeat, _Mapping]] = ...) -> None: ...

class SubscribeHeader(_message.Message):
    __slots__ = ("first_sequence", "last_sequence", "next_sequence")
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    first_sequence: int
    last_sequence: int
    next_sequence: int
    def __init__(self, first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., next_sequence: _Optional[int] = ...) -> None: ...

class SubscribeHeartbeat(_message.Message):
    __slots__ = ("last_sequence",)
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    last_sequence: int
    def __init__(self, last_sequence: _Optional[int] = ...) -> None: ...
