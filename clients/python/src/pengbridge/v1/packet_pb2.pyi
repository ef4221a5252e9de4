from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_CLIENT: _ClassVar[Side]
    SIDE_SERVER: _ClassVar[Side]

class RuleAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_ACTION_UNSPECIFIED: _ClassVar[RuleAction]
    RULE_ACTION_IGNORE: _ClassVar[RuleAction]
    RULE_ACTION_CLOSE: _ClassVar[RuleAction]

class TlsLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TLS_LEVEL_UNSPECIFIED: _ClassVar[TlsLevel]
    TLS_LEVEL_WRAPPED: _ClassVar[TlsLevel]
    TLS_LEVEL_ENCRYPTED: _ClassVar[TlsLevel]
    TLS_LEVEL_SERVER_AUTH: _ClassVar[TlsLevel]
    TLS_LEVEL_BOTH_AUTH: _ClassVar[TlsLevel]

class ConntypeHandshake(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONNTYPE_HANDSHAKE_UNSPECIFIED: _ClassVar[ConntypeHandshake]
    CONNTYPE_HANDSHAKE_CLASSIC: _ClassVar[ConntypeHandshake]
    CONNTYPE_HANDSHAKE_NONE: _ClassVar[ConntypeHandshake]
SIDE_UNSPECIFIED: Side
SIDE_CLIENT: Side
SIDE_SERVER: Side
RULE_ACTION_UNSPECIFIED: RuleAction
RULE_ACTION_IGNORE: RuleAction
RULE_ACTION_CLOSE: RuleAction
TLS_LEVEL_UNSPECIFIED: TlsLevel
TLS_LEVEL_WRAPPED: TlsLevel
TLS_LEVEL_ENCRYPTED: TlsLevel
TLS_LEVEL_SERVER_AUTH: TlsLevel
TLS_LEVEL_BOTH_AUTH: TlsLevel
CONNTYPE_HANDSHAKE_UNSPECIFIED: ConntypeHandshake
CONNTYPE_HANDSHAKE_CLASSIC: ConntypeHandshake
CONNTYPE_HANDSHAKE_NONE: ConntypeHandshake

class PacketRule(_message.Message):
    __slots__ = ("state", "side", "mode", "conntype", "min_tls_level", "action")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CONNTYPE_FIELD_NUMBER: _ClassVar[int]
    MIN_TLS_LEVEL_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    state: int
    side: Side
    mode: int
    conntype: str
    min_tls_level: TlsLevel
    action: RuleAction
    def __init__(self, state: _Optional[int] = ..., side: _Optional[_Union[Side, str]] = ..., mode: _Optional[int] = ..., conntype: _Optional[str] = ..., min_tls_level: _Optional[_Union[TlsLevel, str]] = ..., action: _Optional[_Union[RuleAction, str]] = ...) -> None: ...

class Packet(_message.Message):
    __slots__ = ("name", "id", "rule")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    name: str
    id: int
    rule: PacketRule
    def __init__(self, name: _Optional[str] = ..., id: _Optional[int] = ..., rule: _Optional[_Union[PacketRule, _Mapping]] = ...) -> None: ...

class RegisteredPacket(_message.Message):
    __slots__ = ("name", "id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    id: int
    def __init__(self, name: _Optional[str] = ..., id: _Optional[int] = ...) -> None: ...

class PacketBody(_message.Message):
    __slots__ = ("msgpack", "json")
    MSGPACK_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    msgpack: bytes
    json: str
    def __init__(self, msgpack: _Optional[bytes] = ..., json: _Optional[str] = ...) -> None: ...

class Conntype(_message.Message):
    __slots__ = ("name", "handshake")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HANDSHAKE_FIELD_NUMBER: _ClassVar[int]
    name: str
    handshake: ConntypeHandshake
    def __init__(self, name: _Optional[str] = ..., handshake: _Optional[_Union[ConntypeHandshake, str]] = ...) -> None: ...

class PingOptions(_message.Message):
    __slots__ = ("application_answers", "data")
    APPLICATION_ANSWERS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    application_answers: bool
    data: PacketBody
    def __init__(self, application_answers: _Optional[bool] = ..., data: _Optional[_Union[PacketBody, _Mapping]] = ...) -> None: ...
