namespace Hospes.Qmp.Schema;

/// <summary>The types of what the protocol itself answers: <c>qapi/introspect.json</c> and <c>qapi/control.json</c> of QEMU.</summary>
internal static class IntrospectionTypes
{
    public static readonly QmpEnum Capability = new("oob");

    public static readonly QmpObject CommandInfo = new(new QmpMember("name", QmpType.Text));

    public static readonly QmpObject VersionInfo = new(
        new QmpMember("qemu", new QmpObject(new("major", QmpType.Integer), new("minor", QmpType.Integer), new("micro", QmpType.Integer))),
        new QmpMember("package", QmpType.Text));

    private static readonly QmpEnum s_metaType = new("builtin", "enum", "array", "object", "alternate", "command", "event");

    private static readonly QmpEnum s_jsonType = new("string", "number", "int", "boolean", "null", "object", "array", "value");

    private static readonly QmpArray s_words = new(QmpType.Text);

    public static readonly QmpObject SchemaInfo = new(new QmpMember("name", QmpType.Text), new QmpMember("meta-type", s_metaType), new QmpMember("features", s_words, IsOptional: true))
    {
        Tag = "meta-type",
        Variants = new Dictionary<string, QmpObject>
        {
            ["builtin"] = new(new QmpMember("json-type", s_jsonType)),
            ["enum"] = new(
                new QmpMember("members", new QmpArray(new QmpObject(new("name", QmpType.Text), new("features", s_words, IsOptional: true)))),
                new QmpMember("values", s_words)),
            ["array"] = new(new QmpMember("element-type", QmpType.Text)),
            ["object"] = new(
                new QmpMember("members", new QmpArray(new QmpObject(
                    new("name", QmpType.Text), new("type", QmpType.Text), new("default", QmpType.Any, IsOptional: true), new("features", s_words, IsOptional: true)))),
                new QmpMember("tag", QmpType.Text, IsOptional: true),
                new QmpMember("variants", new QmpArray(new QmpObject(new("case", QmpType.Text), new("type", QmpType.Text))), IsOptional: true)),
            ["alternate"] = new(new QmpMember("members", new QmpArray(new QmpObject(new QmpMember("type", QmpType.Text))))),
            ["command"] = new(
                new QmpMember("arg-type", QmpType.Text), new QmpMember("ret-type", QmpType.Text), new QmpMember("allow-oob", QmpType.Bool, IsOptional: true)),
            ["event"] = new(new QmpMember("arg-type", QmpType.Text)),
        },
    };
}
