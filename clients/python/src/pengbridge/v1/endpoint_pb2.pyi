import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from pengbridge.v1 import event_pb2 as _event_pb2
from pengbridge.v1 import packet_pb2 as _packet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubscriberLostAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBSCRIBER_LOST_ACTION_UNSPECIFIED: _ClassVar[SubscriberLostAction]
    SUBSCRIBER_LOST_ACTION_SHUTDOWN: _ClassVar[SubscriberLostAction]
    SUBSCRIBER_LOST_ACTION_RING: _ClassVar[SubscriberLostAction]

class MissingPacketAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISSING_PACKET_ACTION_UNSPECIFIED: _ClassVar[MissingPacketAction]
    MISSING_PACKET_ACTION_CLOSE: _ClassVar[MissingPacketAction]
    MISSING_PACKET_ACTION_IGNORE: _ClassVar[MissingPacketAction]

class SubscriberMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUBSCRIBER_MODE_UNSPECIFIED: _ClassVar[SubscriberMode]
    SUBSCRIBER_MODE_OBSERVER: _ClassVar[SubscriberMode]
    SUBSCRIBER_MODE_DURABLE: _ClassVar[SubscriberMode]
    SUBSCRIBER_MODE_ACKNOWLEDGING: _ClassVar[SubscriberMode]

class EndpointPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENDPOINT_PHASE_UNSPECIFIED: _ClassVar[EndpointPhase]
    ENDPOINT_PHASE_DEFERRED: _ClassVar[EndpointPhase]
    ENDPOINT_PHASE_RUNNING: _ClassVar[EndpointPhase]
    ENDPOINT_PHASE_PAUSED: _ClassVar[EndpointPhase]
    ENDPOINT_PHASE_STOPPING: _ClassVar[EndpointPhase]
    ENDPOINT_PHASE_STOPPED: _ClassVar[EndpointPhase]
SUBSCRIBER_LOST_ACTION_UNSPECIFIED: SubscriberLostAction
SUBSCRIBER_LOST_ACTION_SHUTDOWN: SubscriberLostAction
SUBSCRIBER_LOST_ACTION_RING: SubscriberLostAction
MISSING_PACKET_ACTION_UNSPECIFIED: MissingPacketAction
MISSING_PACKET_ACTION_CLOSE: MissingPacketAction
MISSING_PACKET_ACTION_IGNORE: MissingPacketAction
SUBSCRIBER_MODE_UNSPECIFIED: SubscriberMode
SUBSCRIBER_MODE_OBSERVER: SubscriberMode
SUBSCRIBER_MODE_DURABLE: SubscriberMode
SUBSCRIBER_MODE_ACKNOWLEDGING: SubscriberMode
ENDPOINT_PHASE_UNSPECIFIED: EndpointPhase
ENDPOINT_PHASE_DEFERRED: EndpointPhase
ENDPOINT_PHASE_RUNNING: EndpointPhase
ENDPOINT_PHASE_PAUSED: EndpointPhase
ENDPOINT_PHASE_STOPPING: EndpointPhase
ENDPOINT_PHASE_STOPPED: EndpointPhase

class Compression(_message.Message):
    __slots__ = ("disabled", "threshold_bytes", "level")
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_BYTES_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    disabled: bool
    threshold_bytes: int
    level: int
    def __init__(self, disabled: _Optional[bool] = ..., threshold_bytes: _Optional[int] = ..., level: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_packet_bytes", "max_handshake_packet_bytes", "max_registry_bytes", "handshake_timeout", "max_connections", "max_connections_per_address", "send_queue_bytes", "write_stall_timeout", "frame_stall_timeout", "idle_timeout", "backlog_bytes", "backlog_events", "packets_per_second", "bytes_per_second")
    MAX_PACKET_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_HANDSHAKE_PACKET_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_REGISTRY_BYTES_FIELD_NUMBER: _ClassVar[int]
    HANDSHAKE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONNECTIONS_PER_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SEND_QUEUE_BYTES_FIELD_NUMBER: _ClassVar[int]
    WRITE_STALL_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FRAME_STALL_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_EVENTS_FIELD_NUMBER: _ClassVar[int]
    PACKETS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    max_packet_bytes: int
    max_handshake_packet_bytes: int
    max_registry_bytes: int
    handshake_timeout: _duration_pb2.Duration
    max_connections: int
    max_connections_per_address: int
    send_queue_bytes: int
    write_stall_timeout: _duration_pb2.Duration
    frame_stall_timeout: _duration_pb2.Duration
    idle_timeout: _duration_pb2.Duration
    backlog_bytes: int
    backlog_events: int
    packets_per_second: int
    bytes_per_second: int
    def __init__(self, max_packet_bytes: _Optional[int] = ..., max_handshake_packet_bytes: _Optional[int] = ..., max_registry_bytes: _Optional[int] = ..., handshake_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_connections: _Optional[int] = ..., max_connections_per_address: _Optional[int] = ..., send_queue_bytes: _Optional[int] = ..., write_stall_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., frame_stall_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idle_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., backlog_bytes: _Optional[int] = ..., backlog_events: _Optional[int] = ..., packets_per_second: _Optional[int] = ..., bytes_per_second: _Optional[int] = ...) -> None: ...

class EventOptions(_message.Message):
    __slots__ = ("expected_subscriber", "subscriber_grace", "lost_action", "omit_types", "omit_packet_names", "ring_bytes")
    EXPECTED_SUBSCRIBER_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBER_GRACE_FIELD_NUMBER: _ClassVar[int]
    LOST_ACTION_FIELD_NUMBER: _ClassVar[int]
    OMIT_TYPES_FIELD_NUMBER: _ClassVar[int]
    OMIT_PACKET_NAMES_FIELD_NUMBER: _ClassVar[int]
    RING_BYTES_FIELD_NUMBER: _ClassVar[int]
    expected_subscriber: str
    subscriber_grace: _duration_pb2.Duration
    lost_action: SubscriberLostAction
    omit_types: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    omit_packet_names: bool
    ring_bytes: int
    def __init__(self, expected_subscriber: _Optional[str] = ..., subscriber_grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., lost_action: _Optional[_Union[SubscriberLostAction, str]] = ..., omit_types: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., omit_packet_names: _Optional[bool] = ..., ring_bytes: _Optional[int] = ...) -> None: ...

class TlsOptions(_message.Message):
    __slots__ = ("certificate_file", "key_file", "ca_file", "require_client_certificate", "server_name", "insecure_skip_verify", "skip_server_name_check")
    CERTIFICATE_FILE_FIELD_NUMBER: _ClassVar[int]
    KEY_FILE_FIELD_NUMBER: _ClassVar[int]
    CA_FILE_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_CLIENT_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    INSECURE_SKIP_VERIFY_FIELD_NUMBER: _ClassVar[int]
    SKIP_SERVER_NAME_CHECK_FIELD_NUMBER: _ClassVar[int]
    certificate_file: str
    key_file: str
    ca_file: str
    require_client_certificate: bool
    server_name: str
    insecure_skip_verify: bool
    skip_server_name_check: bool
    def __init__(self, certificate_file: _Optional[str] = ..., key_file: _Optional[str] = ..., ca_file: _Optional[str] = ..., require_client_certificate: _Optional[bool] = ..., server_name: _Optional[str] = ..., insecure_skip_verify: _Optional[bool] = ..., skip_server_name_check: _Optional[bool] = ...) -> None: ...

class EndpointOptions(_message.Message):
    __slots__ = ("packets", "conntypes", "compression", "limits", "events", "tls", "deferred_start", "label", "version")
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    CONNTYPES_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_START_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    packets: _containers.RepeatedCompositeFieldContainer[_packet_pb2.Packet]
    conntypes: _containers.RepeatedCompositeFieldContainer[_packet_pb2.Conntype]
    compression: Compression
    limits: Limits
    events: EventOptions
    tls: TlsOptions
    deferred_start: bool
    label: str
    version: str
    def __init__(self, packets: _Optional[_Iterable[_Union[_packet_pb2.Packet, _Mapping]]] = ..., conntypes: _Optional[_Iterable[_Union[_packet_pb2.Conntype, _Mapping]]] = ..., compression: _Optional[_Union[Compression, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., events: _Optional[_Union[EventOptions, _Mapping]] = ..., tls: _Optional[_Union[TlsOptions, _Mapping]] = ..., deferred_start: _Optional[bool] = ..., label: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class SubscriberInfo(_message.Message):
    __slots__ = ("name", "mode", "connected", "acknowledged_sequence", "sent_sequence")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SENT_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    mode: SubscriberMode
    connected: bool
    acknowledged_sequence: int
    sent_sequence: int
    def __init__(self, name: _Optional[str] = ..., mode: _Optional[_Union[SubscriberMode, str]] = ..., connected: _Optional[bool] = ..., acknowledged_sequence: _Optional[int] = ..., sent_sequence: _Optional[int] = ...) -> None: ...

class EndpointInfo(_message.Message):
    __slots__ = ("endpoint_id", "side", "label", "address", "phase", "created_at", "connections", "connections_total", "connections_refused", "packets_received", "packets_sent", "bytes_received", "bytes_sent", "first_sequence", "last_sequence", "backlog_bytes", "backlog_events", "pauses", "subscribers", "limits", "registry")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_REFUSED_FIELD_NUMBER: _ClassVar[int]
    PACKETS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    PACKETS_SENT_FIELD_NUMBER: _ClassVar[int]
    BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    BYTES_SENT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_EVENTS_FIELD_NUMBER: _ClassVar[int]
    PAUSES_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIBERS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    side: _packet_pb2.Side
    label: str
    address: _event_pb2.Address
    phase: EndpointPhase
    created_at: _timestamp_pb2.Timestamp
    connections: int
    connections_total: int
    connections_refused: int
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    first_sequence: int
    last_sequence: int
    backlog_bytes: int
    backlog_events: int
    pauses: int
    subscribers: _containers.RepeatedCompositeFieldContainer[SubscriberInfo]
    limits: Limits
    registry: _containers.RepeatedCompositeFieldContainer[_packet_pb2.RegisteredPacket]
    def __init__(self, endpoint_id: _Optional[str] = ..., side: _Optional[_Union[_packet_pb2.Side, str]] = ..., label: _Optional[str] = ..., address: _Optional[_Union[_event_pb2.Address, _Mapping]] = ..., phase: _Optional[_Union[EndpointPhase, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., connections: _Optional[int] = ..., connections_total: _Optional[int] = ..., connections_refused: _Optional[int] = ..., packets_received: _Optional[int] = ..., packets_sent: _Optional[int] = ..., bytes_received: _Optional[int] = ..., bytes_sent: _Optional[int] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., backlog_bytes: _Optional[int] = ..., backlog_events: _Optional[int] = ..., pauses: _Optional[int] = ..., subscribers: _Optional[_Iterable[_Union[SubscriberInfo, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., registry: _Optional[_Iterable[_Union[_packet_pb2.RegisteredPacket, _Mapping]]] = ...) -> None: ...

class ConnectionInfo(_message.Message):
    __slots__ = ("connection_id", "remote_address", "local_address", "state", "mode", "conntype", "tls_level", "groups", "since", "packets_received", "packets_sent", "bytes_received", "bytes_sent", "queued_bytes")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CONNTYPE_FIELD_NUMBER: _ClassVar[int]
    TLS_LEVEL_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    PACKETS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    PACKETS_SENT_FIELD_NUMBER: _ClassVar[int]
    BYTES_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    BYTES_SENT_FIELD_NUMBER: _ClassVar[int]
    QUEUED_BYTES_FIELD_NUMBER: _ClassVar[int]
    connection_id: int
    remote_address: _event_pb2.Address
    local_address: _event_pb2.Address
    state: int
    mode: int
    conntype: str
    tls_level: _packet_pb2.TlsLevel
    groups: _containers.RepeatedScalarFieldContainer[str]
    since: _timestamp_pb2.Timestamp
    packets_received: int
    packets_sent: int
    bytes_received: int
    bytes_sent: int
    queued_bytes: int
    def __init__(self, connection_id: _Optional[int] = ..., remote_address: _Optional[_Union[_event_pb2.Address, _Mapping]] = ..., local_address: _Optional[_Union[_event_pb2.Address, _Mapping]] = ..., state: _Optional[int] = ..., mode: _Optional[int] = ..., conntype: _Optional[str] = ..., tls_level: _Optional[_Union[_packet_pb2.TlsLevel, str]] = ..., groups: _Optional[_Iterable[str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., packets_received: _Optional[int] = ..., packets_sent: _Optional[int] = ..., bytes_received: _Optional[int] = ..., bytes_sent: _Optional[int] = ..., queued_bytes: _Optional[int] = ...) -> None: ...
