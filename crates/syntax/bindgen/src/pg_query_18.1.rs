pub const PG_QUERY_PARSE_MODE_BITS: u32 = 4;
pub const PG_QUERY_PARSE_MODE_BITMASK: u32 = 15;
pub const PG_QUERY_DISABLE_BACKSLASH_QUOTE: u32 = 16;
pub const PG_QUERY_DISABLE_STANDARD_CONFORMING_STRINGS: u32 = 32;
pub const PG_QUERY_DISABLE_ESCAPE_STRING_WARNING: u32 = 64;
pub const PG_QUERY_FINGERPRINT_DEFAULT: u32 = 0;
pub const PG_QUERY_FINGERPRINT_RANGEVAR_IGNORE_ALIASES: u32 = 1;
pub const PG_QUERY_FINGERPRINT_RANGEVAR_INCLUDE_SCHEMA: u32 = 2;
pub const PG_QUERY_FINGERPRINT_RANGEVAR_PG17_COMPAT: u32 = 3;
pub const PG_QUERY_FINGERPRINT_FULL_RELNAME: u32 = 16;
pub const PG_MAJORVERSION: &[u8; 3] = b"18\0";
pub const PG_VERSION: &[u8; 5] = b"18.6\0";
pub const PG_VERSION_NUM: u32 = 180006;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PostgresDeparseComment {
    pub match_location: ::std::os::raw::c_int,
    pub newlines_before_comment: ::std::os::raw::c_int,
    pub newlines_after_comment: ::std::os::raw::c_int,
    pub str_: *mut ::std::os::raw::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PostgresDeparseOpts {
    pub comments: *mut *mut PostgresDeparseComment,
    pub comment_count: usize,
    pub pretty_print: bool,
    pub indent_size: ::std::os::raw::c_int,
    pub max_line_length: ::std::os::raw::c_int,
    pub trailing_newline: bool,
    pub commas_start_of_line: bool,
}
pub const PgQueryToken_PG_QUERY_TOKEN_NUL: PgQueryToken = 0;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_36: PgQueryToken = 36;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_37: PgQueryToken = 37;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_40: PgQueryToken = 40;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_41: PgQueryToken = 41;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_42: PgQueryToken = 42;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_43: PgQueryToken = 43;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_44: PgQueryToken = 44;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_45: PgQueryToken = 45;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_46: PgQueryToken = 46;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_47: PgQueryToken = 47;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_58: PgQueryToken = 58;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_59: PgQueryToken = 59;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_60: PgQueryToken = 60;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_61: PgQueryToken = 61;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_62: PgQueryToken = 62;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_63: PgQueryToken = 63;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_91: PgQueryToken = 91;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_92: PgQueryToken = 92;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_93: PgQueryToken = 93;
pub const PgQueryToken_PG_QUERY_TOKEN_ASCII_94: PgQueryToken = 94;
pub const PgQueryToken_PG_QUERY_TOKEN_IDENT: PgQueryToken = 258;
pub const PgQueryToken_PG_QUERY_TOKEN_UIDENT: PgQueryToken = 259;
pub const PgQueryToken_PG_QUERY_TOKEN_FCONST: PgQueryToken = 260;
pub const PgQueryToken_PG_QUERY_TOKEN_SCONST: PgQueryToken = 261;
pub const PgQueryToken_PG_QUERY_TOKEN_USCONST: PgQueryToken = 262;
pub const PgQueryToken_PG_QUERY_TOKEN_BCONST: PgQueryToken = 263;
pub const PgQueryToken_PG_QUERY_TOKEN_XCONST: PgQueryToken = 264;
pub const PgQueryToken_PG_QUERY_TOKEN_Op: PgQueryToken = 265;
pub const PgQueryToken_PG_QUERY_TOKEN_ICONST: PgQueryToken = 266;
pub const PgQueryToken_PG_QUERY_TOKEN_PARAM: PgQueryToken = 267;
pub const PgQueryToken_PG_QUERY_TOKEN_TYPECAST: PgQueryToken = 268;
pub const PgQueryToken_PG_QUERY_TOKEN_DOT_DOT: PgQueryToken = 269;
pub const PgQueryToken_PG_QUERY_TOKEN_COLON_EQUALS: PgQueryToken = 270;
pub const PgQueryToken_PG_QUERY_TOKEN_EQUALS_GREATER: PgQueryToken = 271;
pub const PgQueryToken_PG_QUERY_TOKEN_LESS_EQUALS: PgQueryToken = 272;
pub const PgQueryToken_PG_QUERY_TOKEN_GREATER_EQUALS: PgQueryToken = 273;
pub const PgQueryToken_PG_QUERY_TOKEN_NOT_EQUALS: PgQueryToken = 274;
pub const PgQueryToken_PG_QUERY_TOKEN_SQL_COMMENT: PgQueryToken = 275;
pub const PgQueryToken_PG_QUERY_TOKEN_C_COMMENT: PgQueryToken = 276;
pub const PgQueryToken_PG_QUERY_TOKEN_ABORT_P: PgQueryToken = 277;
pub const PgQueryToken_PG_QUERY_TOKEN_ABSENT: PgQueryToken = 278;
pub const PgQueryToken_PG_QUERY_TOKEN_ABSOLUTE_P: PgQueryToken = 279;
pub const PgQueryToken_PG_QUERY_TOKEN_ACCESS: PgQueryToken = 280;
pub const PgQueryToken_PG_QUERY_TOKEN_ACTION: PgQueryToken = 281;
pub const PgQueryToken_PG_QUERY_TOKEN_ADD_P: PgQueryToken = 282;
pub const PgQueryToken_PG_QUERY_TOKEN_ADMIN: PgQueryToken = 283;
pub const PgQueryToken_PG_QUERY_TOKEN_AFTER: PgQueryToken = 284;
pub const PgQueryToken_PG_QUERY_TOKEN_AGGREGATE: PgQueryToken = 285;
pub const PgQueryToken_PG_QUERY_TOKEN_ALL: PgQueryToken = 286;
pub const PgQueryToken_PG_QUERY_TOKEN_ALSO: PgQueryToken = 287;
pub const PgQueryToken_PG_QUERY_TOKEN_ALTER: PgQueryToken = 288;
pub const PgQueryToken_PG_QUERY_TOKEN_ALWAYS: PgQueryToken = 289;
pub const PgQueryToken_PG_QUERY_TOKEN_ANALYSE: PgQueryToken = 290;
pub const PgQueryToken_PG_QUERY_TOKEN_ANALYZE: PgQueryToken = 291;
pub const PgQueryToken_PG_QUERY_TOKEN_AND: PgQueryToken = 292;
pub const PgQueryToken_PG_QUERY_TOKEN_ANY: PgQueryToken = 293;
pub const PgQueryToken_PG_QUERY_TOKEN_ARRAY: PgQueryToken = 294;
pub const PgQueryToken_PG_QUERY_TOKEN_AS: PgQueryToken = 295;
pub const PgQueryToken_PG_QUERY_TOKEN_ASC: PgQueryToken = 296;
pub const PgQueryToken_PG_QUERY_TOKEN_ASENSITIVE: PgQueryToken = 297;
pub const PgQueryToken_PG_QUERY_TOKEN_ASSERTION: PgQueryToken = 298;
pub const PgQueryToken_PG_QUERY_TOKEN_ASSIGNMENT: PgQueryToken = 299;
pub const PgQueryToken_PG_QUERY_TOKEN_ASYMMETRIC: PgQueryToken = 300;
pub const PgQueryToken_PG_QUERY_TOKEN_ATOMIC: PgQueryToken = 301;
pub const PgQueryToken_PG_QUERY_TOKEN_AT: PgQueryToken = 302;
pub const PgQueryToken_PG_QUERY_TOKEN_ATTACH: PgQueryToken = 303;
pub const PgQueryToken_PG_QUERY_TOKEN_ATTRIBUTE: PgQueryToken = 304;
pub const PgQueryToken_PG_QUERY_TOKEN_AUTHORIZATION: PgQueryToken = 305;
pub const PgQueryToken_PG_QUERY_TOKEN_BACKWARD: PgQueryToken = 306;
pub const PgQueryToken_PG_QUERY_TOKEN_BEFORE: PgQueryToken = 307;
pub const PgQueryToken_PG_QUERY_TOKEN_BEGIN_P: PgQueryToken = 308;
pub const PgQueryToken_PG_QUERY_TOKEN_BETWEEN: PgQueryToken = 309;
pub const PgQueryToken_PG_QUERY_TOKEN_BIGINT: PgQueryToken = 310;
pub const PgQueryToken_PG_QUERY_TOKEN_BINARY: PgQueryToken = 311;
pub const PgQueryToken_PG_QUERY_TOKEN_BIT: PgQueryToken = 312;
pub const PgQueryToken_PG_QUERY_TOKEN_BOOLEAN_P: PgQueryToken = 313;
pub const PgQueryToken_PG_QUERY_TOKEN_BOTH: PgQueryToken = 314;
pub const PgQueryToken_PG_QUERY_TOKEN_BREADTH: PgQueryToken = 315;
pub const PgQueryToken_PG_QUERY_TOKEN_BY: PgQueryToken = 316;
pub const PgQueryToken_PG_QUERY_TOKEN_CACHE: PgQueryToken = 317;
pub const PgQueryToken_PG_QUERY_TOKEN_CALL: PgQueryToken = 318;
pub const PgQueryToken_PG_QUERY_TOKEN_CALLED: PgQueryToken = 319;
pub const PgQueryToken_PG_QUERY_TOKEN_CASCADE: PgQueryToken = 320;
pub const PgQueryToken_PG_QUERY_TOKEN_CASCADED: PgQueryToken = 321;
pub const PgQueryToken_PG_QUERY_TOKEN_CASE: PgQueryToken = 322;
pub const PgQueryToken_PG_QUERY_TOKEN_CAST: PgQueryToken = 323;
pub const PgQueryToken_PG_QUERY_TOKEN_CATALOG_P: PgQueryToken = 324;
pub const PgQueryToken_PG_QUERY_TOKEN_CHAIN: PgQueryToken = 325;
pub const PgQueryToken_PG_QUERY_TOKEN_CHAR_P: PgQueryToken = 326;
pub const PgQueryToken_PG_QUERY_TOKEN_CHARACTER: PgQueryToken = 327;
pub const PgQueryToken_PG_QUERY_TOKEN_CHARACTERISTICS: PgQueryToken = 328;
pub const PgQueryToken_PG_QUERY_TOKEN_CHECK: PgQueryToken = 329;
pub const PgQueryToken_PG_QUERY_TOKEN_CHECKPOINT: PgQueryToken = 330;
pub const PgQueryToken_PG_QUERY_TOKEN_CLASS: PgQueryToken = 331;
pub const PgQueryToken_PG_QUERY_TOKEN_CLOSE: PgQueryToken = 332;
pub const PgQueryToken_PG_QUERY_TOKEN_CLUSTER: PgQueryToken = 333;
pub const PgQueryToken_PG_QUERY_TOKEN_COALESCE: PgQueryToken = 334;
pub const PgQueryToken_PG_QUERY_TOKEN_COLLATE: PgQueryToken = 335;
pub const PgQueryToken_PG_QUERY_TOKEN_COLLATION: PgQueryToken = 336;
pub const PgQueryToken_PG_QUERY_TOKEN_COLUMN: PgQueryToken = 337;
pub const PgQueryToken_PG_QUERY_TOKEN_COLUMNS: PgQueryToken = 338;
pub const PgQueryToken_PG_QUERY_TOKEN_COMMENT: PgQueryToken = 339;
pub const PgQueryToken_PG_QUERY_TOKEN_COMMENTS: PgQueryToken = 340;
pub const PgQueryToken_PG_QUERY_TOKEN_COMMIT: PgQueryToken = 341;
pub const PgQueryToken_PG_QUERY_TOKEN_COMMITTED: PgQueryToken = 342;
pub const PgQueryToken_PG_QUERY_TOKEN_COMPRESSION: PgQueryToken = 343;
pub const PgQueryToken_PG_QUERY_TOKEN_CONCURRENTLY: PgQueryToken = 344;
pub const PgQueryToken_PG_QUERY_TOKEN_CONDITIONAL: PgQueryToken = 345;
pub const PgQueryToken_PG_QUERY_TOKEN_CONFIGURATION: PgQueryToken = 346;
pub const PgQueryToken_PG_QUERY_TOKEN_CONFLICT: PgQueryToken = 347;
pub const PgQueryToken_PG_QUERY_TOKEN_CONNECTION: PgQueryToken = 348;
pub const PgQueryToken_PG_QUERY_TOKEN_CONSTRAINT: PgQueryToken = 349;
pub const PgQueryToken_PG_QUERY_TOKEN_CONSTRAINTS: PgQueryToken = 350;
pub const PgQueryToken_PG_QUERY_TOKEN_CONTENT_P: PgQueryToken = 351;
pub const PgQueryToken_PG_QUERY_TOKEN_CONTINUE_P: PgQueryToken = 352;
pub const PgQueryToken_PG_QUERY_TOKEN_CONVERSION_P: PgQueryToken = 353;
pub const PgQueryToken_PG_QUERY_TOKEN_COPY: PgQueryToken = 354;
pub const PgQueryToken_PG_QUERY_TOKEN_COST: PgQueryToken = 355;
pub const PgQueryToken_PG_QUERY_TOKEN_CREATE: PgQueryToken = 356;
pub const PgQueryToken_PG_QUERY_TOKEN_CROSS: PgQueryToken = 357;
pub const PgQueryToken_PG_QUERY_TOKEN_CSV: PgQueryToken = 358;
pub const PgQueryToken_PG_QUERY_TOKEN_CUBE: PgQueryToken = 359;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_P: PgQueryToken = 360;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_CATALOG: PgQueryToken = 361;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_DATE: PgQueryToken = 362;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_ROLE: PgQueryToken = 363;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_SCHEMA: PgQueryToken = 364;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_TIME: PgQueryToken = 365;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_TIMESTAMP: PgQueryToken = 366;
pub const PgQueryToken_PG_QUERY_TOKEN_CURRENT_USER: PgQueryToken = 367;
pub const PgQueryToken_PG_QUERY_TOKEN_CURSOR: PgQueryToken = 368;
pub const PgQueryToken_PG_QUERY_TOKEN_CYCLE: PgQueryToken = 369;
pub const PgQueryToken_PG_QUERY_TOKEN_DATA_P: PgQueryToken = 370;
pub const PgQueryToken_PG_QUERY_TOKEN_DATABASE: PgQueryToken = 371;
pub const PgQueryToken_PG_QUERY_TOKEN_DAY_P: PgQueryToken = 372;
pub const PgQueryToken_PG_QUERY_TOKEN_DEALLOCATE: PgQueryToken = 373;
pub const PgQueryToken_PG_QUERY_TOKEN_DEC: PgQueryToken = 374;
pub const PgQueryToken_PG_QUERY_TOKEN_DECIMAL_P: PgQueryToken = 375;
pub const PgQueryToken_PG_QUERY_TOKEN_DECLARE: PgQueryToken = 376;
pub const PgQueryToken_PG_QUERY_TOKEN_DEFAULT: PgQueryToken = 377;
pub const PgQueryToken_PG_QUERY_TOKEN_DEFAULTS: PgQueryToken = 378;
pub const PgQueryToken_PG_QUERY_TOKEN_DEFERRABLE: PgQueryToken = 379;
pub const PgQueryToken_PG_QUERY_TOKEN_DEFERRED: PgQueryToken = 380;
pub const PgQueryToken_PG_QUERY_TOKEN_DEFINER: PgQueryToken = 381;
pub const PgQueryToken_PG_QUERY_TOKEN_DELETE_P: PgQueryToken = 382;
pub const PgQueryToken_PG_QUERY_TOKEN_DELIMITER: PgQueryToken = 383;
pub const PgQueryToken_PG_QUERY_TOKEN_DELIMITERS: PgQueryToken = 384;
pub const PgQueryToken_PG_QUERY_TOKEN_DEPENDS: PgQueryToken = 385;
pub const PgQueryToken_PG_QUERY_TOKEN_DEPTH: PgQueryToken = 386;
pub const PgQueryToken_PG_QUERY_TOKEN_DESC: PgQueryToken = 387;
pub const PgQueryToken_PG_QUERY_TOKEN_DETACH: PgQueryToken = 388;
pub const PgQueryToken_PG_QUERY_TOKEN_DICTIONARY: PgQueryToken = 389;
pub const PgQueryToken_PG_QUERY_TOKEN_DISABLE_P: PgQueryToken = 390;
pub const PgQueryToken_PG_QUERY_TOKEN_DISCARD: PgQueryToken = 391;
pub const PgQueryToken_PG_QUERY_TOKEN_DISTINCT: PgQueryToken = 392;
pub const PgQueryToken_PG_QUERY_TOKEN_DO: PgQueryToken = 393;
pub const PgQueryToken_PG_QUERY_TOKEN_DOCUMENT_P: PgQueryToken = 394;
pub const PgQueryToken_PG_QUERY_TOKEN_DOMAIN_P: PgQueryToken = 395;
pub const PgQueryToken_PG_QUERY_TOKEN_DOUBLE_P: PgQueryToken = 396;
pub const PgQueryToken_PG_QUERY_TOKEN_DROP: PgQueryToken = 397;
pub const PgQueryToken_PG_QUERY_TOKEN_EACH: PgQueryToken = 398;
pub const PgQueryToken_PG_QUERY_TOKEN_ELSE: PgQueryToken = 399;
pub const PgQueryToken_PG_QUERY_TOKEN_EMPTY_P: PgQueryToken = 400;
pub const PgQueryToken_PG_QUERY_TOKEN_ENABLE_P: PgQueryToken = 401;
pub const PgQueryToken_PG_QUERY_TOKEN_ENCODING: PgQueryToken = 402;
pub const PgQueryToken_PG_QUERY_TOKEN_ENCRYPTED: PgQueryToken = 403;
pub const PgQueryToken_PG_QUERY_TOKEN_END_P: PgQueryToken = 404;
pub const PgQueryToken_PG_QUERY_TOKEN_ENFORCED: PgQueryToken = 405;
pub const PgQueryToken_PG_QUERY_TOKEN_ENUM_P: PgQueryToken = 406;
pub const PgQueryToken_PG_QUERY_TOKEN_ERROR_P: PgQueryToken = 407;
pub const PgQueryToken_PG_QUERY_TOKEN_ESCAPE: PgQueryToken = 408;
pub const PgQueryToken_PG_QUERY_TOKEN_EVENT: PgQueryToken = 409;
pub const PgQueryToken_PG_QUERY_TOKEN_EXCEPT: PgQueryToken = 410;
pub const PgQueryToken_PG_QUERY_TOKEN_EXCLUDE: PgQueryToken = 411;
pub const PgQueryToken_PG_QUERY_TOKEN_EXCLUDING: PgQueryToken = 412;
pub const PgQueryToken_PG_QUERY_TOKEN_EXCLUSIVE: PgQueryToken = 413;
pub const PgQueryToken_PG_QUERY_TOKEN_EXECUTE: PgQueryToken = 414;
pub const PgQueryToken_PG_QUERY_TOKEN_EXISTS: PgQueryToken = 415;
pub const PgQueryToken_PG_QUERY_TOKEN_EXPLAIN: PgQueryToken = 416;
pub const PgQueryToken_PG_QUERY_TOKEN_EXPRESSION: PgQueryToken = 417;
pub const PgQueryToken_PG_QUERY_TOKEN_EXTENSION: PgQueryToken = 418;
pub const PgQueryToken_PG_QUERY_TOKEN_EXTERNAL: PgQueryToken = 419;
pub const PgQueryToken_PG_QUERY_TOKEN_EXTRACT: PgQueryToken = 420;
pub const PgQueryToken_PG_QUERY_TOKEN_FALSE_P: PgQueryToken = 421;
pub const PgQueryToken_PG_QUERY_TOKEN_FAMILY: PgQueryToken = 422;
pub const PgQueryToken_PG_QUERY_TOKEN_FETCH: PgQueryToken = 423;
pub const PgQueryToken_PG_QUERY_TOKEN_FILTER: PgQueryToken = 424;
pub const PgQueryToken_PG_QUERY_TOKEN_FINALIZE: PgQueryToken = 425;
pub const PgQueryToken_PG_QUERY_TOKEN_FIRST_P: PgQueryToken = 426;
pub const PgQueryToken_PG_QUERY_TOKEN_FLOAT_P: PgQueryToken = 427;
pub const PgQueryToken_PG_QUERY_TOKEN_FOLLOWING: PgQueryToken = 428;
pub const PgQueryToken_PG_QUERY_TOKEN_FOR: PgQueryToken = 429;
pub const PgQueryToken_PG_QUERY_TOKEN_FORCE: PgQueryToken = 430;
pub const PgQueryToken_PG_QUERY_TOKEN_FOREIGN: PgQueryToken = 431;
pub const PgQueryToken_PG_QUERY_TOKEN_FORMAT: PgQueryToken = 432;
pub const PgQueryToken_PG_QUERY_TOKEN_FORWARD: PgQueryToken = 433;
pub const PgQueryToken_PG_QUERY_TOKEN_FREEZE: PgQueryToken = 434;
pub const PgQueryToken_PG_QUERY_TOKEN_FROM: PgQueryToken = 435;
pub const PgQueryToken_PG_QUERY_TOKEN_FULL: PgQueryToken = 436;
pub const PgQueryToken_PG_QUERY_TOKEN_FUNCTION: PgQueryToken = 437;
pub const PgQueryToken_PG_QUERY_TOKEN_FUNCTIONS: PgQueryToken = 438;
pub const PgQueryToken_PG_QUERY_TOKEN_GENERATED: PgQueryToken = 439;
pub const PgQueryToken_PG_QUERY_TOKEN_GLOBAL: PgQueryToken = 440;
pub const PgQueryToken_PG_QUERY_TOKEN_GRANT: PgQueryToken = 441;
pub const PgQueryToken_PG_QUERY_TOKEN_GRANTED: PgQueryToken = 442;
pub const PgQueryToken_PG_QUERY_TOKEN_GREATEST: PgQueryToken = 443;
pub const PgQueryToken_PG_QUERY_TOKEN_GROUP_P: PgQueryToken = 444;
pub const PgQueryToken_PG_QUERY_TOKEN_GROUPING: PgQueryToken = 445;
pub const PgQueryToken_PG_QUERY_TOKEN_GROUPS: PgQueryToken = 446;
pub const PgQueryToken_PG_QUERY_TOKEN_HANDLER: PgQueryToken = 447;
pub const PgQueryToken_PG_QUERY_TOKEN_HAVING: PgQueryToken = 448;
pub const PgQueryToken_PG_QUERY_TOKEN_HEADER_P: PgQueryToken = 449;
pub const PgQueryToken_PG_QUERY_TOKEN_HOLD: PgQueryToken = 450;
pub const PgQueryToken_PG_QUERY_TOKEN_HOUR_P: PgQueryToken = 451;
pub const PgQueryToken_PG_QUERY_TOKEN_IDENTITY_P: PgQueryToken = 452;
pub const PgQueryToken_PG_QUERY_TOKEN_IF_P: PgQueryToken = 453;
pub const PgQueryToken_PG_QUERY_TOKEN_ILIKE: PgQueryToken = 454;
pub const PgQueryToken_PG_QUERY_TOKEN_IMMEDIATE: PgQueryToken = 455;
pub const PgQueryToken_PG_QUERY_TOKEN_IMMUTABLE: PgQueryToken = 456;
pub const PgQueryToken_PG_QUERY_TOKEN_IMPLICIT_P: PgQueryToken = 457;
pub const PgQueryToken_PG_QUERY_TOKEN_IMPORT_P: PgQueryToken = 458;
pub const PgQueryToken_PG_QUERY_TOKEN_IN_P: PgQueryToken = 459;
pub const PgQueryToken_PG_QUERY_TOKEN_INCLUDE: PgQueryToken = 460;
pub const PgQueryToken_PG_QUERY_TOKEN_INCLUDING: PgQueryToken = 461;
pub const PgQueryToken_PG_QUERY_TOKEN_INCREMENT: PgQueryToken = 462;
pub const PgQueryToken_PG_QUERY_TOKEN_INDENT: PgQueryToken = 463;
pub const PgQueryToken_PG_QUERY_TOKEN_INDEX: PgQueryToken = 464;
pub const PgQueryToken_PG_QUERY_TOKEN_INDEXES: PgQueryToken = 465;
pub const PgQueryToken_PG_QUERY_TOKEN_INHERIT: PgQueryToken = 466;
pub const PgQueryToken_PG_QUERY_TOKEN_INHERITS: PgQueryToken = 467;
pub const PgQueryToken_PG_QUERY_TOKEN_INITIALLY: PgQueryToken = 468;
pub const PgQueryToken_PG_QUERY_TOKEN_INLINE_P: PgQueryToken = 469;
pub const PgQueryToken_PG_QUERY_TOKEN_INNER_P: PgQueryToken = 470;
pub const PgQueryToken_PG_QUERY_TOKEN_INOUT: PgQueryToken = 471;
pub const PgQueryToken_PG_QUERY_TOKEN_INPUT_P: PgQueryToken = 472;
pub const PgQueryToken_PG_QUERY_TOKEN_INSENSITIVE: PgQueryToken = 473;
pub const PgQueryToken_PG_QUERY_TOKEN_INSERT: PgQueryToken = 474;
pub const PgQueryToken_PG_QUERY_TOKEN_INSTEAD: PgQueryToken = 475;
pub const PgQueryToken_PG_QUERY_TOKEN_INT_P: PgQueryToken = 476;
pub const PgQueryToken_PG_QUERY_TOKEN_INTEGER: PgQueryToken = 477;
pub const PgQueryToken_PG_QUERY_TOKEN_INTERSECT: PgQueryToken = 478;
pub const PgQueryToken_PG_QUERY_TOKEN_INTERVAL: PgQueryToken = 479;
pub const PgQueryToken_PG_QUERY_TOKEN_INTO: PgQueryToken = 480;
pub const PgQueryToken_PG_QUERY_TOKEN_INVOKER: PgQueryToken = 481;
pub const PgQueryToken_PG_QUERY_TOKEN_IS: PgQueryToken = 482;
pub const PgQueryToken_PG_QUERY_TOKEN_ISNULL: PgQueryToken = 483;
pub const PgQueryToken_PG_QUERY_TOKEN_ISOLATION: PgQueryToken = 484;
pub const PgQueryToken_PG_QUERY_TOKEN_JOIN: PgQueryToken = 485;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON: PgQueryToken = 486;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_ARRAY: PgQueryToken = 487;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_ARRAYAGG: PgQueryToken = 488;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_EXISTS: PgQueryToken = 489;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_OBJECT: PgQueryToken = 490;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_OBJECTAGG: PgQueryToken = 491;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_QUERY: PgQueryToken = 492;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_SCALAR: PgQueryToken = 493;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_SERIALIZE: PgQueryToken = 494;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_TABLE: PgQueryToken = 495;
pub const PgQueryToken_PG_QUERY_TOKEN_JSON_VALUE: PgQueryToken = 496;
pub const PgQueryToken_PG_QUERY_TOKEN_KEEP: PgQueryToken = 497;
pub const PgQueryToken_PG_QUERY_TOKEN_KEY: PgQueryToken = 498;
pub const PgQueryToken_PG_QUERY_TOKEN_KEYS: PgQueryToken = 499;
pub const PgQueryToken_PG_QUERY_TOKEN_LABEL: PgQueryToken = 500;
pub const PgQueryToken_PG_QUERY_TOKEN_LANGUAGE: PgQueryToken = 501;
pub const PgQueryToken_PG_QUERY_TOKEN_LARGE_P: PgQueryToken = 502;
pub const PgQueryToken_PG_QUERY_TOKEN_LAST_P: PgQueryToken = 503;
pub const PgQueryToken_PG_QUERY_TOKEN_LATERAL_P: PgQueryToken = 504;
pub const PgQueryToken_PG_QUERY_TOKEN_LEADING: PgQueryToken = 505;
pub const PgQueryToken_PG_QUERY_TOKEN_LEAKPROOF: PgQueryToken = 506;
pub const PgQueryToken_PG_QUERY_TOKEN_LEAST: PgQueryToken = 507;
pub const PgQueryToken_PG_QUERY_TOKEN_LEFT: PgQueryToken = 508;
pub const PgQueryToken_PG_QUERY_TOKEN_LEVEL: PgQueryToken = 509;
pub const PgQueryToken_PG_QUERY_TOKEN_LIKE: PgQueryToken = 510;
pub const PgQueryToken_PG_QUERY_TOKEN_LIMIT: PgQueryToken = 511;
pub const PgQueryToken_PG_QUERY_TOKEN_LISTEN: PgQueryToken = 512;
pub const PgQueryToken_PG_QUERY_TOKEN_LOAD: PgQueryToken = 513;
pub const PgQueryToken_PG_QUERY_TOKEN_LOCAL: PgQueryToken = 514;
pub const PgQueryToken_PG_QUERY_TOKEN_LOCALTIME: PgQueryToken = 515;
pub const PgQueryToken_PG_QUERY_TOKEN_LOCALTIMESTAMP: PgQueryToken = 516;
pub const PgQueryToken_PG_QUERY_TOKEN_LOCATION: PgQueryToken = 517;
pub const PgQueryToken_PG_QUERY_TOKEN_LOCK_P: PgQueryToken = 518;
pub const PgQueryToken_PG_QUERY_TOKEN_LOCKED: PgQueryToken = 519;
pub const PgQueryToken_PG_QUERY_TOKEN_LOGGED: PgQueryToken = 520;
pub const PgQueryToken_PG_QUERY_TOKEN_MAPPING: PgQueryToken = 521;
pub const PgQueryToken_PG_QUERY_TOKEN_MATCH: PgQueryToken = 522;
pub const PgQueryToken_PG_QUERY_TOKEN_MATCHED: PgQueryToken = 523;
pub const PgQueryToken_PG_QUERY_TOKEN_MATERIALIZED: PgQueryToken = 524;
pub const PgQueryToken_PG_QUERY_TOKEN_MAXVALUE: PgQueryToken = 525;
pub const PgQueryToken_PG_QUERY_TOKEN_MERGE: PgQueryToken = 526;
pub const PgQueryToken_PG_QUERY_TOKEN_MERGE_ACTION: PgQueryToken = 527;
pub const PgQueryToken_PG_QUERY_TOKEN_METHOD: PgQueryToken = 528;
pub const PgQueryToken_PG_QUERY_TOKEN_MINUTE_P: PgQueryToken = 529;
pub const PgQueryToken_PG_QUERY_TOKEN_MINVALUE: PgQueryToken = 530;
pub const PgQueryToken_PG_QUERY_TOKEN_MODE: PgQueryToken = 531;
pub const PgQueryToken_PG_QUERY_TOKEN_MONTH_P: PgQueryToken = 532;
pub const PgQueryToken_PG_QUERY_TOKEN_MOVE: PgQueryToken = 533;
pub const PgQueryToken_PG_QUERY_TOKEN_NAME_P: PgQueryToken = 534;
pub const PgQueryToken_PG_QUERY_TOKEN_NAMES: PgQueryToken = 535;
pub const PgQueryToken_PG_QUERY_TOKEN_NATIONAL: PgQueryToken = 536;
pub const PgQueryToken_PG_QUERY_TOKEN_NATURAL: PgQueryToken = 537;
pub const PgQueryToken_PG_QUERY_TOKEN_NCHAR: PgQueryToken = 538;
pub const PgQueryToken_PG_QUERY_TOKEN_NESTED: PgQueryToken = 539;
pub const PgQueryToken_PG_QUERY_TOKEN_NEW: PgQueryToken = 540;
pub const PgQueryToken_PG_QUERY_TOKEN_NEXT: PgQueryToken = 541;
pub const PgQueryToken_PG_QUERY_TOKEN_NFC: PgQueryToken = 542;
pub const PgQueryToken_PG_QUERY_TOKEN_NFD: PgQueryToken = 543;
pub const PgQueryToken_PG_QUERY_TOKEN_NFKC: PgQueryToken = 544;
pub const PgQueryToken_PG_QUERY_TOKEN_NFKD: PgQueryToken = 545;
pub const PgQueryToken_PG_QUERY_TOKEN_NO: PgQueryToken = 546;
pub const PgQueryToken_PG_QUERY_TOKEN_NONE: PgQueryToken = 547;
pub const PgQueryToken_PG_QUERY_TOKEN_NORMALIZE: PgQueryToken = 548;
pub const PgQueryToken_PG_QUERY_TOKEN_NORMALIZED: PgQueryToken = 549;
pub const PgQueryToken_PG_QUERY_TOKEN_NOT: PgQueryToken = 550;
pub const PgQueryToken_PG_QUERY_TOKEN_NOTHING: PgQueryToken = 551;
pub const PgQueryToken_PG_QUERY_TOKEN_NOTIFY: PgQueryToken = 552;
pub const PgQueryToken_PG_QUERY_TOKEN_NOTNULL: PgQueryToken = 553;
pub const PgQueryToken_PG_QUERY_TOKEN_NOWAIT: PgQueryToken = 554;
pub const PgQueryToken_PG_QUERY_TOKEN_NULL_P: PgQueryToken = 555;
pub const PgQueryToken_PG_QUERY_TOKEN_NULLIF: PgQueryToken = 556;
pub const PgQueryToken_PG_QUERY_TOKEN_NULLS_P: PgQueryToken = 557;
pub const PgQueryToken_PG_QUERY_TOKEN_NUMERIC: PgQueryToken = 558;
pub const PgQueryToken_PG_QUERY_TOKEN_OBJECT_P: PgQueryToken = 559;
pub const PgQueryToken_PG_QUERY_TOKEN_OBJECTS_P: PgQueryToken = 560;
pub const PgQueryToken_PG_QUERY_TOKEN_OF: PgQueryToken = 561;
pub const PgQueryToken_PG_QUERY_TOKEN_OFF: PgQueryToken = 562;
pub const PgQueryToken_PG_QUERY_TOKEN_OFFSET: PgQueryToken = 563;
pub const PgQueryToken_PG_QUERY_TOKEN_OIDS: PgQueryToken = 564;
pub const PgQueryToken_PG_QUERY_TOKEN_OLD: PgQueryToken = 565;
pub const PgQueryToken_PG_QUERY_TOKEN_OMIT: PgQueryToken = 566;
pub const PgQueryToken_PG_QUERY_TOKEN_ON: PgQueryToken = 567;
pub const PgQueryToken_PG_QUERY_TOKEN_ONLY: PgQueryToken = 568;
pub const PgQueryToken_PG_QUERY_TOKEN_OPERATOR: PgQueryToken = 569;
pub const PgQueryToken_PG_QUERY_TOKEN_OPTION: PgQueryToken = 570;
pub const PgQueryToken_PG_QUERY_TOKEN_OPTIONS: PgQueryToken = 571;
pub const PgQueryToken_PG_QUERY_TOKEN_OR: PgQueryToken = 572;
pub const PgQueryToken_PG_QUERY_TOKEN_ORDER: PgQueryToken = 573;
pub const PgQueryToken_PG_QUERY_TOKEN_ORDINALITY: PgQueryToken = 574;
pub const PgQueryToken_PG_QUERY_TOKEN_OTHERS: PgQueryToken = 575;
pub const PgQueryToken_PG_QUERY_TOKEN_OUT_P: PgQueryToken = 576;
pub const PgQueryToken_PG_QUERY_TOKEN_OUTER_P: PgQueryToken = 577;
pub const PgQueryToken_PG_QUERY_TOKEN_OVER: PgQueryToken = 578;
pub const PgQueryToken_PG_QUERY_TOKEN_OVERLAPS: PgQueryToken = 579;
pub const PgQueryToken_PG_QUERY_TOKEN_OVERLAY: PgQueryToken = 580;
pub const PgQueryToken_PG_QUERY_TOKEN_OVERRIDING: PgQueryToken = 581;
pub const PgQueryToken_PG_QUERY_TOKEN_OWNED: PgQueryToken = 582;
pub const PgQueryToken_PG_QUERY_TOKEN_OWNER: PgQueryToken = 583;
pub const PgQueryToken_PG_QUERY_TOKEN_PARALLEL: PgQueryToken = 584;
pub const PgQueryToken_PG_QUERY_TOKEN_PARAMETER: PgQueryToken = 585;
pub const PgQueryToken_PG_QUERY_TOKEN_PARSER: PgQueryToken = 586;
pub const PgQueryToken_PG_QUERY_TOKEN_PARTIAL: PgQueryToken = 587;
pub const PgQueryToken_PG_QUERY_TOKEN_PARTITION: PgQueryToken = 588;
pub const PgQueryToken_PG_QUERY_TOKEN_PASSING: PgQueryToken = 589;
pub const PgQueryToken_PG_QUERY_TOKEN_PASSWORD: PgQueryToken = 590;
pub const PgQueryToken_PG_QUERY_TOKEN_PATH: PgQueryToken = 591;
pub const PgQueryToken_PG_QUERY_TOKEN_PERIOD: PgQueryToken = 592;
pub const PgQueryToken_PG_QUERY_TOKEN_PLACING: PgQueryToken = 593;
pub const PgQueryToken_PG_QUERY_TOKEN_PLAN: PgQueryToken = 594;
pub const PgQueryToken_PG_QUERY_TOKEN_PLANS: PgQueryToken = 595;
pub const PgQueryToken_PG_QUERY_TOKEN_POLICY: PgQueryToken = 596;
pub const PgQueryToken_PG_QUERY_TOKEN_POSITION: PgQueryToken = 597;
pub const PgQueryToken_PG_QUERY_TOKEN_PRECEDING: PgQueryToken = 598;
pub const PgQueryToken_PG_QUERY_TOKEN_PRECISION: PgQueryToken = 599;
pub const PgQueryToken_PG_QUERY_TOKEN_PRESERVE: PgQueryToken = 600;
pub const PgQueryToken_PG_QUERY_TOKEN_PREPARE: PgQueryToken = 601;
pub const PgQueryToken_PG_QUERY_TOKEN_PREPARED: PgQueryToken = 602;
pub const PgQueryToken_PG_QUERY_TOKEN_PRIMARY: PgQueryToken = 603;
pub const PgQueryToken_PG_QUERY_TOKEN_PRIOR: PgQueryToken = 604;
pub const PgQueryToken_PG_QUERY_TOKEN_PRIVILEGES: PgQueryToken = 605;
pub const PgQueryToken_PG_QUERY_TOKEN_PROCEDURAL: PgQueryToken = 606;
pub const PgQueryToken_PG_QUERY_TOKEN_PROCEDURE: PgQueryToken = 607;
pub const PgQueryToken_PG_QUERY_TOKEN_PROCEDURES: PgQueryToken = 608;
pub const PgQueryToken_PG_QUERY_TOKEN_PROGRAM: PgQueryToken = 609;
pub const PgQueryToken_PG_QUERY_TOKEN_PUBLICATION: PgQueryToken = 610;
pub const PgQueryToken_PG_QUERY_TOKEN_QUOTE: PgQueryToken = 611;
pub const PgQueryToken_PG_QUERY_TOKEN_QUOTES: PgQueryToken = 612;
pub const PgQueryToken_PG_QUERY_TOKEN_RANGE: PgQueryToken = 613;
pub const PgQueryToken_PG_QUERY_TOKEN_READ: PgQueryToken = 614;
pub const PgQueryToken_PG_QUERY_TOKEN_REAL: PgQueryToken = 615;
pub const PgQueryToken_PG_QUERY_TOKEN_REASSIGN: PgQueryToken = 616;
pub const PgQueryToken_PG_QUERY_TOKEN_RECURSIVE: PgQueryToken = 617;
pub const PgQueryToken_PG_QUERY_TOKEN_REF_P: PgQueryToken = 618;
pub const PgQueryToken_PG_QUERY_TOKEN_REFERENCES: PgQueryToken = 619;
pub const PgQueryToken_PG_QUERY_TOKEN_REFERENCING: PgQueryToken = 620;
pub const PgQueryToken_PG_QUERY_TOKEN_REFRESH: PgQueryToken = 621;
pub const PgQueryToken_PG_QUERY_TOKEN_REINDEX: PgQueryToken = 622;
pub const PgQueryToken_PG_QUERY_TOKEN_RELATIVE_P: PgQueryToken = 623;
pub const PgQueryToken_PG_QUERY_TOKEN_RELEASE: PgQueryToken = 624;
pub const PgQueryToken_PG_QUERY_TOKEN_RENAME: PgQueryToken = 625;
pub const PgQueryToken_PG_QUERY_TOKEN_REPEATABLE: PgQueryToken = 626;
pub const PgQueryToken_PG_QUERY_TOKEN_REPLACE: PgQueryToken = 627;
pub const PgQueryToken_PG_QUERY_TOKEN_REPLICA: PgQueryToken = 628;
pub const PgQueryToken_PG_QUERY_TOKEN_RESET: PgQueryToken = 629;
pub const PgQueryToken_PG_QUERY_TOKEN_RESTART: PgQueryToken = 630;
pub const PgQueryToken_PG_QUERY_TOKEN_RESTRICT: PgQueryToken = 631;
pub const PgQueryToken_PG_QUERY_TOKEN_RETURN: PgQueryToken = 632;
pub const PgQueryToken_PG_QUERY_TOKEN_RETURNING: PgQueryToken = 633;
pub const PgQueryToken_PG_QUERY_TOKEN_RETURNS: PgQueryToken = 634;
pub const PgQueryToken_PG_QUERY_TOKEN_REVOKE: PgQueryToken = 635;
pub const PgQueryToken_PG_QUERY_TOKEN_RIGHT: PgQueryToken = 636;
pub const PgQueryToken_PG_QUERY_TOKEN_ROLE: PgQueryToken = 637;
pub const PgQueryToken_PG_QUERY_TOKEN_ROLLBACK: PgQueryToken = 638;
pub const PgQueryToken_PG_QUERY_TOKEN_ROLLUP: PgQueryToken = 639;
pub const PgQueryToken_PG_QUERY_TOKEN_ROUTINE: PgQueryToken = 640;
pub const PgQueryToken_PG_QUERY_TOKEN_ROUTINES: PgQueryToken = 641;
pub const PgQueryToken_PG_QUERY_TOKEN_ROW: PgQueryToken = 642;
pub const PgQueryToken_PG_QUERY_TOKEN_ROWS: PgQueryToken = 643;
pub const PgQueryToken_PG_QUERY_TOKEN_RULE: PgQueryToken = 644;
pub const PgQueryToken_PG_QUERY_TOKEN_SAVEPOINT: PgQueryToken = 645;
pub const PgQueryToken_PG_QUERY_TOKEN_SCALAR: PgQueryToken = 646;
pub const PgQueryToken_PG_QUERY_TOKEN_SCHEMA: PgQueryToken = 647;
pub const PgQueryToken_PG_QUERY_TOKEN_SCHEMAS: PgQueryToken = 648;
pub const PgQueryToken_PG_QUERY_TOKEN_SCROLL: PgQueryToken = 649;
pub const PgQueryToken_PG_QUERY_TOKEN_SEARCH: PgQueryToken = 650;
pub const PgQueryToken_PG_QUERY_TOKEN_SECOND_P: PgQueryToken = 651;
pub const PgQueryToken_PG_QUERY_TOKEN_SECURITY: PgQueryToken = 652;
pub const PgQueryToken_PG_QUERY_TOKEN_SELECT: PgQueryToken = 653;
pub const PgQueryToken_PG_QUERY_TOKEN_SEQUENCE: PgQueryToken = 654;
pub const PgQueryToken_PG_QUERY_TOKEN_SEQUENCES: PgQueryToken = 655;
pub const PgQueryToken_PG_QUERY_TOKEN_SERIALIZABLE: PgQueryToken = 656;
pub const PgQueryToken_PG_QUERY_TOKEN_SERVER: PgQueryToken = 657;
pub const PgQueryToken_PG_QUERY_TOKEN_SESSION: PgQueryToken = 658;
pub const PgQueryToken_PG_QUERY_TOKEN_SESSION_USER: PgQueryToken = 659;
pub const PgQueryToken_PG_QUERY_TOKEN_SET: PgQueryToken = 660;
pub const PgQueryToken_PG_QUERY_TOKEN_SETS: PgQueryToken = 661;
pub const PgQueryToken_PG_QUERY_TOKEN_SETOF: PgQueryToken = 662;
pub const PgQueryToken_PG_QUERY_TOKEN_SHARE: PgQueryToken = 663;
pub const PgQueryToken_PG_QUERY_TOKEN_SHOW: PgQueryToken = 664;
pub const PgQueryToken_PG_QUERY_TOKEN_SIMILAR: PgQueryToken = 665;
pub const PgQueryToken_PG_QUERY_TOKEN_SIMPLE: PgQueryToken = 666;
pub const PgQueryToken_PG_QUERY_TOKEN_SKIP: PgQueryToken = 667;
pub const PgQueryToken_PG_QUERY_TOKEN_SMALLINT: PgQueryToken = 668;
pub const PgQueryToken_PG_QUERY_TOKEN_SNAPSHOT: PgQueryToken = 669;
pub const PgQueryToken_PG_QUERY_TOKEN_SOME: PgQueryToken = 670;
pub const PgQueryToken_PG_QUERY_TOKEN_SOURCE: PgQueryToken = 671;
pub const PgQueryToken_PG_QUERY_TOKEN_SQL_P: PgQueryToken = 672;
pub const PgQueryToken_PG_QUERY_TOKEN_STABLE: PgQueryToken = 673;
pub const PgQueryToken_PG_QUERY_TOKEN_STANDALONE_P: PgQueryToken = 674;
pub const PgQueryToken_PG_QUERY_TOKEN_START: PgQueryToken = 675;
pub const PgQueryToken_PG_QUERY_TOKEN_STATEMENT: PgQueryToken = 676;
pub const PgQueryToken_PG_QUERY_TOKEN_STATISTICS: PgQueryToken = 677;
pub const PgQueryToken_PG_QUERY_TOKEN_STDIN: PgQueryToken = 678;
pub const PgQueryToken_PG_QUERY_TOKEN_STDOUT: PgQueryToken = 679;
pub const PgQueryToken_PG_QUERY_TOKEN_STORAGE: PgQueryToken = 680;
pub const PgQueryToken_PG_QUERY_TOKEN_STORED: PgQueryToken = 681;
pub const PgQueryToken_PG_QUERY_TOKEN_STRICT_P: PgQueryToken = 682;
pub const PgQueryToken_PG_QUERY_TOKEN_STRING_P: PgQueryToken = 683;
pub const PgQueryToken_PG_QUERY_TOKEN_STRIP_P: PgQueryToken = 684;
pub const PgQueryToken_PG_QUERY_TOKEN_SUBSCRIPTION: PgQueryToken = 685;
pub const PgQueryToken_PG_QUERY_TOKEN_SUBSTRING: PgQueryToken = 686;
pub const PgQueryToken_PG_QUERY_TOKEN_SUPPORT: PgQueryToken = 687;
pub const PgQueryToken_PG_QUERY_TOKEN_SYMMETRIC: PgQueryToken = 688;
pub const PgQueryToken_PG_QUERY_TOKEN_SYSID: PgQueryToken = 689;
pub const PgQueryToken_PG_QUERY_TOKEN_SYSTEM_P: PgQueryToken = 690;
pub const PgQueryToken_PG_QUERY_TOKEN_SYSTEM_USER: PgQueryToken = 691;
pub const PgQueryToken_PG_QUERY_TOKEN_TABLE: PgQueryToken = 692;
pub const PgQueryToken_PG_QUERY_TOKEN_TABLES: PgQueryToken = 693;
pub const PgQueryToken_PG_QUERY_TOKEN_TABLESAMPLE: PgQueryToken = 694;
pub const PgQueryToken_PG_QUERY_TOKEN_TABLESPACE: PgQueryToken = 695;
pub const PgQueryToken_PG_QUERY_TOKEN_TARGET: PgQueryToken = 696;
pub const PgQueryToken_PG_QUERY_TOKEN_TEMP: PgQueryToken = 697;
pub const PgQueryToken_PG_QUERY_TOKEN_TEMPLATE: PgQueryToken = 698;
pub const PgQueryToken_PG_QUERY_TOKEN_TEMPORARY: PgQueryToken = 699;
pub const PgQueryToken_PG_QUERY_TOKEN_TEXT_P: PgQueryToken = 700;
pub const PgQueryToken_PG_QUERY_TOKEN_THEN: PgQueryToken = 701;
pub const PgQueryToken_PG_QUERY_TOKEN_TIES: PgQueryToken = 702;
pub const PgQueryToken_PG_QUERY_TOKEN_TIME: PgQueryToken = 703;
pub const PgQueryToken_PG_QUERY_TOKEN_TIMESTAMP: PgQueryToken = 704;
pub const PgQueryToken_PG_QUERY_TOKEN_TO: PgQueryToken = 705;
pub const PgQueryToken_PG_QUERY_TOKEN_TRAILING: PgQueryToken = 706;
pub const PgQueryToken_PG_QUERY_TOKEN_TRANSACTION: PgQueryToken = 707;
pub const PgQueryToken_PG_QUERY_TOKEN_TRANSFORM: PgQueryToken = 708;
pub const PgQueryToken_PG_QUERY_TOKEN_TREAT: PgQueryToken = 709;
pub const PgQueryToken_PG_QUERY_TOKEN_TRIGGER: PgQueryToken = 710;
pub const PgQueryToken_PG_QUERY_TOKEN_TRIM: PgQueryToken = 711;
pub const PgQueryToken_PG_QUERY_TOKEN_TRUE_P: PgQueryToken = 712;
pub const PgQueryToken_PG_QUERY_TOKEN_TRUNCATE: PgQueryToken = 713;
pub const PgQueryToken_PG_QUERY_TOKEN_TRUSTED: PgQueryToken = 714;
pub const PgQueryToken_PG_QUERY_TOKEN_TYPE_P: PgQueryToken = 715;
pub const PgQueryToken_PG_QUERY_TOKEN_TYPES_P: PgQueryToken = 716;
pub const PgQueryToken_PG_QUERY_TOKEN_UESCAPE: PgQueryToken = 717;
pub const PgQueryToken_PG_QUERY_TOKEN_UNBOUNDED: PgQueryToken = 718;
pub const PgQueryToken_PG_QUERY_TOKEN_UNCONDITIONAL: PgQueryToken = 719;
pub const PgQueryToken_PG_QUERY_TOKEN_UNCOMMITTED: PgQueryToken = 720;
pub const PgQueryToken_PG_QUERY_TOKEN_UNENCRYPTED: PgQueryToken = 721;
pub const PgQueryToken_PG_QUERY_TOKEN_UNION: PgQueryToken = 722;
pub const PgQueryToken_PG_QUERY_TOKEN_UNIQUE: PgQueryToken = 723;
pub const PgQueryToken_PG_QUERY_TOKEN_UNKNOWN: PgQueryToken = 724;
pub const PgQueryToken_PG_QUERY_TOKEN_UNLISTEN: PgQueryToken = 725;
pub const PgQueryToken_PG_QUERY_TOKEN_UNLOGGED: PgQueryToken = 726;
pub const PgQueryToken_PG_QUERY_TOKEN_UNTIL: PgQueryToken = 727;
pub const PgQueryToken_PG_QUERY_TOKEN_UPDATE: PgQueryToken = 728;
pub const PgQueryToken_PG_QUERY_TOKEN_USER: PgQueryToken = 729;
pub const PgQueryToken_PG_QUERY_TOKEN_USING: PgQueryToken = 730;
pub const PgQueryToken_PG_QUERY_TOKEN_VACUUM: PgQueryToken = 731;
pub const PgQueryToken_PG_QUERY_TOKEN_VALID: PgQueryToken = 732;
pub const PgQueryToken_PG_QUERY_TOKEN_VALIDATE: PgQueryToken = 733;
pub const PgQueryToken_PG_QUERY_TOKEN_VALIDATOR: PgQueryToken = 734;
pub const PgQueryToken_PG_QUERY_TOKEN_VALUE_P: PgQueryToken = 735;
pub const PgQueryToken_PG_QUERY_TOKEN_VALUES: PgQueryToken = 736;
pub const PgQueryToken_PG_QUERY_TOKEN_VARCHAR: PgQueryToken = 737;
pub const PgQueryToken_PG_QUERY_TOKEN_VARIADIC: PgQueryToken = 738;
pub const PgQueryToken_PG_QUERY_TOKEN_VARYING: PgQueryToken = 739;
pub const PgQueryToken_PG_QUERY_TOKEN_VERBOSE: PgQueryToken = 740;
pub const PgQueryToken_PG_QUERY_TOKEN_VERSION_P: PgQueryToken = 741;
pub const PgQueryToken_PG_QUERY_TOKEN_VIEW: PgQueryToken = 742;
pub const PgQueryToken_PG_QUERY_TOKEN_VIEWS: PgQueryToken = 743;
pub const PgQueryToken_PG_QUERY_TOKEN_VIRTUAL: PgQueryToken = 744;
pub const PgQueryToken_PG_QUERY_TOKEN_VOLATILE: PgQueryToken = 745;
pub const PgQueryToken_PG_QUERY_TOKEN_WHEN: PgQueryToken = 746;
pub const PgQueryToken_PG_QUERY_TOKEN_WHERE: PgQueryToken = 747;
pub const PgQueryToken_PG_QUERY_TOKEN_WHITESPACE_P: PgQueryToken = 748;
pub const PgQueryToken_PG_QUERY_TOKEN_WINDOW: PgQueryToken = 749;
pub const PgQueryToken_PG_QUERY_TOKEN_WITH: PgQueryToken = 750;
pub const PgQueryToken_PG_QUERY_TOKEN_WITHIN: PgQueryToken = 751;
pub const PgQueryToken_PG_QUERY_TOKEN_WITHOUT: PgQueryToken = 752;
pub const PgQueryToken_PG_QUERY_TOKEN_WORK: PgQueryToken = 753;
pub const PgQueryToken_PG_QUERY_TOKEN_WRAPPER: PgQueryToken = 754;
pub const PgQueryToken_PG_QUERY_TOKEN_WRITE: PgQueryToken = 755;
pub const PgQueryToken_PG_QUERY_TOKEN_XML_P: PgQueryToken = 756;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLATTRIBUTES: PgQueryToken = 757;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLCONCAT: PgQueryToken = 758;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLELEMENT: PgQueryToken = 759;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLEXISTS: PgQueryToken = 760;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLFOREST: PgQueryToken = 761;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLNAMESPACES: PgQueryToken = 762;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLPARSE: PgQueryToken = 763;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLPI: PgQueryToken = 764;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLROOT: PgQueryToken = 765;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLSERIALIZE: PgQueryToken = 766;
pub const PgQueryToken_PG_QUERY_TOKEN_XMLTABLE: PgQueryToken = 767;
pub const PgQueryToken_PG_QUERY_TOKEN_YEAR_P: PgQueryToken = 768;
pub const PgQueryToken_PG_QUERY_TOKEN_YES_P: PgQueryToken = 769;
pub const PgQueryToken_PG_QUERY_TOKEN_ZONE: PgQueryToken = 770;
pub const PgQueryToken_PG_QUERY_TOKEN_FORMAT_LA: PgQueryToken = 771;
pub const PgQueryToken_PG_QUERY_TOKEN_NOT_LA: PgQueryToken = 772;
pub const PgQueryToken_PG_QUERY_TOKEN_NULLS_LA: PgQueryToken = 773;
pub const PgQueryToken_PG_QUERY_TOKEN_WITH_LA: PgQueryToken = 774;
pub const PgQueryToken_PG_QUERY_TOKEN_WITHOUT_LA: PgQueryToken = 775;
pub const PgQueryToken_PG_QUERY_TOKEN_MODE_TYPE_NAME: PgQueryToken = 776;
pub const PgQueryToken_PG_QUERY_TOKEN_MODE_PLPGSQL_EXPR: PgQueryToken = 777;
pub const PgQueryToken_PG_QUERY_TOKEN_MODE_PLPGSQL_ASSIGN1: PgQueryToken = 778;
pub const PgQueryToken_PG_QUERY_TOKEN_MODE_PLPGSQL_ASSIGN2: PgQueryToken = 779;
pub const PgQueryToken_PG_QUERY_TOKEN_MODE_PLPGSQL_ASSIGN3: PgQueryToken = 780;
pub const PgQueryToken_PG_QUERY_TOKEN_UMINUS: PgQueryToken = 781;
pub type PgQueryToken = ::std::os::raw::c_uint;
pub const PgQueryKeywordKind_PG_QUERY_NO_KEYWORD: PgQueryKeywordKind = 0;
pub const PgQueryKeywordKind_PG_QUERY_UNRESERVED_KEYWORD: PgQueryKeywordKind = 1;
pub const PgQueryKeywordKind_PG_QUERY_COL_NAME_KEYWORD: PgQueryKeywordKind = 2;
pub const PgQueryKeywordKind_PG_QUERY_TYPE_FUNC_NAME_KEYWORD: PgQueryKeywordKind = 3;
pub const PgQueryKeywordKind_PG_QUERY_RESERVED_KEYWORD: PgQueryKeywordKind = 4;
pub type PgQueryKeywordKind = ::std::os::raw::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryError {
    pub message: *mut ::std::os::raw::c_char,
    pub funcname: *mut ::std::os::raw::c_char,
    pub filename: *mut ::std::os::raw::c_char,
    pub lineno: ::std::os::raw::c_int,
    pub cursorpos: ::std::os::raw::c_int,
    pub context: *mut ::std::os::raw::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryIsUtilityResult {
    pub length: ::std::os::raw::c_int,
    pub items: *mut bool,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryProtobuf {
    pub len: usize,
    pub data: *mut ::std::os::raw::c_char,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryScanResult {
    pub pbuf: PgQueryProtobuf,
    pub stderr_buffer: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryScanToken {
    pub start: ::std::os::raw::c_int,
    pub end: ::std::os::raw::c_int,
    pub token: PgQueryToken,
    pub keyword_kind: PgQueryKeywordKind,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryScanTokensResult {
    pub tokens: *mut PgQueryScanToken,
    pub n_tokens: ::std::os::raw::c_int,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryParseResult {
    pub parse_tree: *mut ::std::os::raw::c_char,
    pub stderr_buffer: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryProtobufParseResult {
    pub parse_tree: PgQueryProtobuf,
    pub stderr_buffer: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQuerySplitStmt {
    pub stmt_location: ::std::os::raw::c_int,
    pub stmt_len: ::std::os::raw::c_int,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQuerySplitResult {
    pub stmts: *mut *mut PgQuerySplitStmt,
    pub n_stmts: ::std::os::raw::c_int,
    pub stderr_buffer: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryDeparseResult {
    pub query: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryDeparseCommentsResult {
    pub comments: *mut *mut PostgresDeparseComment,
    pub comment_count: usize,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryPlpgsqlParseResult {
    pub plpgsql_funcs: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryFingerprintResult {
    pub fingerprint: u64,
    pub fingerprint_str: *mut ::std::os::raw::c_char,
    pub stderr_buffer: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQueryNormalizeResult {
    pub normalized_query: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct PgQuerySummaryParseResult {
    pub summary: PgQueryProtobuf,
    pub stderr_buffer: *mut ::std::os::raw::c_char,
    pub error: *mut PgQueryError,
}
pub const PgQueryParseMode_PG_QUERY_PARSE_DEFAULT: PgQueryParseMode = 0;
pub const PgQueryParseMode_PG_QUERY_PARSE_TYPE_NAME: PgQueryParseMode = 1;
pub const PgQueryParseMode_PG_QUERY_PARSE_PLPGSQL_EXPR: PgQueryParseMode = 2;
pub const PgQueryParseMode_PG_QUERY_PARSE_PLPGSQL_ASSIGN1: PgQueryParseMode = 3;
pub const PgQueryParseMode_PG_QUERY_PARSE_PLPGSQL_ASSIGN2: PgQueryParseMode = 4;
pub const PgQueryParseMode_PG_QUERY_PARSE_PLPGSQL_ASSIGN3: PgQueryParseMode = 5;
pub type PgQueryParseMode = ::std::os::raw::c_uint;
extern "C" {
    pub fn pg_query_normalize(input: *const ::std::os::raw::c_char) -> PgQueryNormalizeResult;
}
extern "C" {
    pub fn pg_query_normalize_utility(
        input: *const ::std::os::raw::c_char,
    ) -> PgQueryNormalizeResult;
}
extern "C" {
    pub fn pg_query_scan(input: *const ::std::os::raw::c_char) -> PgQueryScanResult;
}
extern "C" {
    pub fn pg_query_scan_tokens(input: *const ::std::os::raw::c_char) -> PgQueryScanTokensResult;
}
extern "C" {
    pub fn pg_query_token_name(token: PgQueryToken) -> *const ::std::os::raw::c_char;
}
extern "C" {
    pub fn pg_query_keyword_kind_name(
        keyword_kind: PgQueryKeywordKind,
    ) -> *const ::std::os::raw::c_char;
}
extern "C" {
    pub fn pg_query_parse(input: *const ::std::os::raw::c_char) -> PgQueryParseResult;
}
extern "C" {
    pub fn pg_query_parse_opts(
        input: *const ::std::os::raw::c_char,
        parser_options: ::std::os::raw::c_int,
    ) -> PgQueryParseResult;
}
extern "C" {
    pub fn pg_query_parse_protobuf(
        input: *const ::std::os::raw::c_char,
    ) -> PgQueryProtobufParseResult;
}
extern "C" {
    pub fn pg_query_parse_protobuf_opts(
        input: *const ::std::os::raw::c_char,
        parser_options: ::std::os::raw::c_int,
    ) -> PgQueryProtobufParseResult;
}
extern "C" {
    pub fn pg_query_parse_plpgsql(
        input: *const ::std::os::raw::c_char,
    ) -> PgQueryPlpgsqlParseResult;
}
extern "C" {
    pub fn pg_query_fingerprint(input: *const ::std::os::raw::c_char) -> PgQueryFingerprintResult;
}
extern "C" {
    pub fn pg_query_fingerprint_opts(
        input: *const ::std::os::raw::c_char,
        parser_options: ::std::os::raw::c_int,
        fingerprint_options: ::std::os::raw::c_int,
    ) -> PgQueryFingerprintResult;
}
extern "C" {
    pub fn pg_query_split_with_scanner(input: *const ::std::os::raw::c_char) -> PgQuerySplitResult;
}
extern "C" {
    pub fn pg_query_split_with_parser(input: *const ::std::os::raw::c_char) -> PgQuerySplitResult;
}
extern "C" {
    pub fn pg_query_deparse_protobuf(parse_tree: PgQueryProtobuf) -> PgQueryDeparseResult;
}
extern "C" {
    pub fn pg_query_deparse_protobuf_opts(
        parse_tree: PgQueryProtobuf,
        opts: PostgresDeparseOpts,
    ) -> PgQueryDeparseResult;
}
extern "C" {
    pub fn pg_query_deparse_comments_for_query(
        query: *const ::std::os::raw::c_char,
    ) -> PgQueryDeparseCommentsResult;
}
extern "C" {
    pub fn pg_query_is_utility_stmt(query: *const ::std::os::raw::c_char)
        -> PgQueryIsUtilityResult;
}
extern "C" {
    pub fn pg_query_summary(
        input: *const ::std::os::raw::c_char,
        parser_options: ::std::os::raw::c_int,
        truncate_limit: ::std::os::raw::c_int,
    ) -> PgQuerySummaryParseResult;
}
extern "C" {
    pub fn pg_query_free_normalize_result(result: PgQueryNormalizeResult);
}
extern "C" {
    pub fn pg_query_free_scan_result(result: PgQueryScanResult);
}
extern "C" {
    pub fn pg_query_free_scan_tokens_result(result: PgQueryScanTokensResult);
}
extern "C" {
    pub fn pg_query_free_parse_result(result: PgQueryParseResult);
}
extern "C" {
    pub fn pg_query_free_split_result(result: PgQuerySplitResult);
}
extern "C" {
    pub fn pg_query_free_deparse_result(result: PgQueryDeparseResult);
}
extern "C" {
    pub fn pg_query_free_deparse_comments_result(result: PgQueryDeparseCommentsResult);
}
extern "C" {
    pub fn pg_query_free_protobuf_parse_result(result: PgQueryProtobufParseResult);
}
extern "C" {
    pub fn pg_query_free_plpgsql_parse_result(result: PgQueryPlpgsqlParseResult);
}
extern "C" {
    pub fn pg_query_free_fingerprint_result(result: PgQueryFingerprintResult);
}
extern "C" {
    pub fn pg_query_free_is_utility_result(result: PgQueryIsUtilityResult);
}
extern "C" {
    pub fn pg_query_free_summary_parse_result(result: PgQuerySummaryParseResult);
}
extern "C" {
    pub fn pg_query_exit();
}
extern "C" {
    pub fn pg_query_init();
}
