import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from pengbridge.v1 import endpoint_pb2 as _endpoint_pb2
from pengbridge.v1 import packet_pb2 as _packet_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Message(_message.Message):
    __slots__ = ("connection_id", "name", "id", "body")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    connection_id: int
    name: str
    id: int
    body: _packet_pb2.PacketBody
    def __init__(self, connection_id: _Optional[int] = ..., name: _Optional[str] = ..., id: _Optional[int] = ..., body: _Optional[_Union[_packet_pb2.PacketBody, _Mapping]] = ...) -> None: ...

class BroadcastMessage(_message.Message):
    __slots__ = ("name", "id", "body", "connection_ids", "group", "exclude_connection_ids")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_IDS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_CONNECTION_IDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    id: int
    body: _packet_pb2.PacketBody
    connection_ids: _containers.RepeatedScalarFieldContainer[int]
    group: str
    exclude_connection_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., id: _Optional[int] = ..., body: _Optional[_Union[_packet_pb2.PacketBody, _Mapping]] = ..., connection_ids: _Optional[_Iterable[int]] = ..., group: _Optional[str] = ..., exclude_connection_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ConnectionClose(_message.Message):
    __slots__ = ("connection_id", "reason")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    connection_id: int
    reason: str
    def __init__(self, connection_id: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ConnectionUpdate(_message.Message):
    __slots__ = ("connection_id", "state", "mode", "join_groups", "leave_groups", "conntype")
    CONNECTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    JOIN_GROUPS_FIELD_NUMBER: _ClassVar[int]
    LEAVE_GROUPS_FIELD_NUMBER: _ClassVar[int]
    CONNTYPE_FIELD_NUMBER: _ClassVar[int]
    connection_id: int
    state: int
    mode: int
    join_groups: _containers.RepeatedScalarFieldContainer[str]
    leave_groups: _containers.RepeatedScalarFieldContainer[str]
    conntype: str
    def __init__(self, connection_id: _Optional[int] = ..., state: _Optional[int] = ..., mode: _Optional[int] = ..., join_groups: _Optional[_Iterable[str]] = ..., leave_groups: _Optional[_Iterable[str]] = ..., conntype: _Optional[str] = ...) -> None: ...

class PacketRegistration(_message.Message):
    __slots__ = ("packets",)
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    packets: _containers.RepeatedCompositeFieldContainer[_packet_pb2.Packet]
    def __init__(self, packets: _Optional[_Iterable[_Union[_packet_pb2.Packet, _Mapping]]] = ...) -> None: ...

class ConntypeRegistration(_message.Message):
    __slots__ = ("conntypes",)
    CONNTYPES_FIELD_NUMBER: _ClassVar[int]
    conntypes: _containers.RepeatedCompositeFieldContainer[_packet_pb2.Conntype]
    def __init__(self, conntypes: _Optional[_Iterable[_Union[_packet_pb2.Conntype, _Mapping]]] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("subscriber", "sequence", "session", "leaving")
    SUBSCRIBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    subscriber: str
    sequence: int
    session: str
    leaving: bool
    def __init__(self, subscriber: _Optional[str] = ..., sequence: _Optional[int] = ..., session: _Optional[str] = ..., leaving: _Optional[bool] = ...) -> None: ...

class Flush(_message.Message):
    __slots__ = ("timeout",)
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    timeout: _duration_pb2.Duration
    def __init__(self, timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class EndpointInterrupt(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndpointStop(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndpointShutdown(_message.Message):
    __slots__ = ("reason", "join", "timeout")
    REASON_FIELD_NUMBER: _ClassVar[int]
    JOIN_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    reason: str
    join: bool
    timeout: _duration_pb2.Duration
    def __init__(self, reason: _Optional[str] = ..., join: _Optional[bool] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("send", "broadcast", "close", "update", "register_packets", "register_conntypes", "acknowledge", "set_compression", "flush", "interrupt", "stop", "shutdown")
    SEND_FIELD_NUMBER: _ClassVar[int]
    BROADCAST_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    REGISTER_PACKETS_FIELD_NUMBER: _ClassVar[int]
    REGISTER_CONNTYPES_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGE_FIELD_NUMBER: _ClassVar[int]
    SET_COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    FLUSH_FIELD_NUMBER: _ClassVar[int]
    INTERRUPT_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    send: Message
    broadcast: BroadcastMessage
    close: ConnectionClose
    update: ConnectionUpdate
    register_packets: PacketRegistration
    register_conntypes: ConntypeRegistration
    acknowledge: Acknowledgement
    set_compression: _endpoint_pb2.Compression
    flush: Flush
    interrupt: EndpointInterrupt
    stop: EndpointStop
    shutdown: EndpointShutdown
    def __init__(self, send: _Optional[_Union[Message, _Mapping]] = ..., broadcast: _Optional[_Union[BroadcastMessage, _Mapping]] = ..., close: _Optional[_Union[ConnectionClose, _Mapping]] = ..., update: _Optional[_Union[ConnectionUpdate, _Mapping]] = ..., register_packets: _Optional[_Union[PacketRegistration, _Mapping]] = ..., register_conntypes: _Optional[_Union[ConntypeRegistration, _Mapping]] = ..., acknowledge: _Optional[_Union[Acknowledgement, _Mapping]] = ..., set_compression: _Optional[_Union[_endpoint_pb2.Compression, _Mapping]] = ..., flush: _Optional[_Union[Flush, _Mapping]] = ..., interrupt: _Optional[_Union[EndpointInterrupt, _Mapping]] = ..., stop: _Optional[_Union[EndpointStop, _Mapping]] = ..., shutdown: _Optional[_Union[EndpointShutdown, _Mapping]] = ...) -> None: ...

class CommandFailure(_message.Message):
    __slots__ = ("number", "code", "message", "reason")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    number: int
    code: int
    message: str
    reason: str
    def __init__(self, number: _Optional[int] = ..., code: _Optional[int] = ..., message: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
