import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from pengbridge.v1 import packet_pb2 as _packet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_SERVER_INITIALIZE: _ClassVar[EventType]
    EVENT_TYPE_SERVER_BIND: _ClassVar[EventType]
    EVENT_TYPE_SERVER_START: _ClassVar[EventType]
    EVENT_TYPE_SERVER_STOP: _ClassVar[EventType]
    EVENT_TYPE_SERVER_INTERRUPT: _ClassVar[EventType]
    EVENT_TYPE_SERVER_SHUTDOWN: _ClassVar[EventType]
    EVENT_TYPE_SERVER_CONNECTION_ACCEPT: _ClassVar[EventType]
    EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE: _ClassVar[EventType]
    EVENT_TYPE_SERVER_CONNECTION_SEND: _ClassVar[EventType]
    EVENT_TYPE_SERVER_CONNECTION_RECV: _ClassVar[EventType]
    EVENT_TYPE_SERVER_CONNECTION_CLOSE: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_INITIALIZE: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_CONNECT: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_START: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_STOP: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_INTERRUPT: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_HANDSHAKECOMPLETE: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_RECV: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_SEND: _ClassVar[EventType]
    EVENT_TYPE_CLIENT_CLOSE: _ClassVar[EventType]
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_SERVER_INITIALIZE: EventType
EVENT_TYPE_SERVER_BIND: EventType
EVENT_TYPE_SERVER_START: EventType
EVENT_TYPE_SERVER_STOP: EventType
EVENT_TYPE_SERVER_INTERRUPT: EventType
EVENT_TYPE_SERVER_SHUTDOWN: EventType
EVENT_TYPE_SERVER_CONNECTION_ACCEPT: EventType
EVENT_TYPE_SERVER_CONNECTION_HANDSHAKECOMPLETE: EventType
EVENT_TYPE_SERVER_CONNECTION_SEND: EventType
EVENT_TYPE_SERVER_CONNECTION_RECV: EventType
EVENT_TYPE_SERVER_CONNECTION_CLOSE: EventType
EVENT_TYPE_CLIENT_INITIALIZE: EventType
EVENT_TYPE_CLIENT_CONNECT: EventType
EVENT_TYPE_CLIENT_START: EventType
EVENT_TYPE_CLIENT_STOP: EventType
EVENT_TYPE_CLIENT_INTERRUPT: EventType
EVENT_TYPE_CLIENT_HANDSHAKECOMPLETE: EventType
EVENT_TYPE_CLIENT_RECV: EventType
EVENT_TYPE_CLIENT_SEND: EventType
EVENT_TYPE_CLIENT_CLOSE: EventType

class Address(_message.Message):
    __slots__ = ("host", "port")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("sequence", "time_unix_nano", "type", "connection_id", "packet_id", "packet", "msgpack", "json", "refused", "frame", "connection_ids", "address", "local_address", "remote_address", "reason", "detail", "registry", "join", "timeout")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    PACKET_ID_FIELD_NUMBER: _ClassVar[int]
    PACKET_FIELD_NUMBER: _ClassVar[int]
    MSGPACK_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_IDS_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REMOTE_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time_unix_nano: int
    type: EventType
    connection_id: int
    packet_id: int
    packet: str
    msgpack: bytes
    json: str
    refused: bool
    frame: bytes
    connection_ids: _containers.RepeatedScalarFieldContainer[int]
    address: Address
    local_address: Address
    remote_address: Address
    reason: str
    detail: str
    registry: _containers.RepeatedCompositeFieldContainer[_packet_pb2.RegisteredPacket]
    join: bool
    timeout: _duration_pb2.Duration
    def __init__(self, sequence: _Optional[int] = ..., time_unix_nano: _Optional[int] = ..., type: _Optional[_Union[EventType, str]] = ..., connection_id: _Optional[int] = ..., packet_id: _Optional[int] = ..., packet: _Optional[str] = ..., msgpack: _Optional[bytes] = ..., json: _Optional[str] = ..., refused: _Optional[bool] = ..., frame: _Optional[bytes] = ..., connection_ids: _Optional[_Iterable[int]] = ..., address: _Optional[_Union[Address, _Mapping]] = ..., local_address: _Optional[_Union[Address, _Mapping]] = ..., remote_address: _Optional[_Union[Address, _Mapping]] = ..., reason: _Optional[str] = ..., detail: _Optional[str] = ..., registry: _Optional[_Iterable[_Union[_packet_pb2.RegisteredPacket, _Mapping]]] = ..., join: _Optional[bool] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
