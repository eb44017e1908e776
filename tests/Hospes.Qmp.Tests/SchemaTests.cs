using System.Text.Json;
using Hospes.Qmp.Schema;
using Hospes.Qmp.Server;

namespace Hospes.Qmp.Tests;

public sealed class SchemaTests
{
    private static readonly QmpServer s_server = Echo.Make();

    [Fact]
    public void EveryNameThatTheSchemaUsesIsInIt()
    {
        Dictionary<string, JsonElement> infos = Query("query-qmp-schema").EnumerateArray().ToDictionary(static info => info.GetProperty("name").GetString()!);
        foreach (JsonElement info in infos.Values)
        {
            foreach (string name in Uses(info)) infos.ShouldContainKey(name);
        }
        infos["say"].GetProperty("meta-type").GetString().ShouldBe("command");
        infos["say"].GetProperty("ret-type").GetString().ShouldBe("str");
        JsonElement arguments = infos[infos["say"].GetProperty("arg-type").GetString()!];
        arguments.GetProperty("members").GetRawText().ShouldBe("""[{"name":"text","type":"str"},{"name":"loud","type":"bool","default":null}]""");
        infos["TICK"].GetProperty("meta-type").GetString().ShouldBe("event");
    }

    [Fact]
    public void AUnionHasItsTagAndACaseForEachOfItsWords()
    {
        Dictionary<string, JsonElement> infos = Query("query-qmp-schema").EnumerateArray().ToDictionary(static info => info.GetProperty("name").GetString()!);
        JsonElement union = infos.Values.Single(static info => info.TryGetProperty("tag", out JsonElement tag) && tag.GetString() == "type");
        union.GetProperty("variants").EnumerateArray().Select(static at => at.GetProperty("case").GetString()).ShouldBe(["unix", "inet"]);
    }

    [Fact]
    public void TheServersOwnAnswersAreOfTheTypesThatItDeclares()
    {
        foreach (string name in (string[])["query-version", "query-commands", "query-qmp-schema"])
        {
            s_server.Commands.First(command => command.Name == name).Returns.Check(Query(name), null, name).ShouldBeNull();
        }
        Query("query-commands").EnumerateArray().Select(static at => at.GetProperty("name").GetString()).ShouldBe(s_server.Commands.Select(static command => command.Name));
    }

    [Fact]
    public void ATypeMayContainItself()
    {
        var node = new QmpObject(new QmpMember("name", QmpType.Text));
        node.Add(new QmpMember("below", new QmpArray(node), IsOptional: true));
        using JsonDocument good = JsonDocument.Parse("""{"name":"a","below":[{"name":"b","below":[]}]}""");
        using JsonDocument bad = JsonDocument.Parse("""{"name":"a","below":[{"name":"b","below":[{}]}]}""");
        node.Check(good.RootElement, null, "").ShouldBeNull();
        node.Check(bad.RootElement, null, "").ShouldBe("Parameter 'below[0].below[0].name' is missing");
        new QmpServer(s_server.Version, [new QmpCommand("tree", QmpObject.Empty, node, static _ => QmpResult.Done)], [], TimeProvider.System)
            .Execute("query-qmp-schema", default).Error.ShouldBeNull();
    }

    private static JsonElement Query(string command)
    {
        using JsonDocument document = JsonDocument.Parse(s_server.Execute(command, default).Value!.ToJsonString());
        return document.RootElement.Clone();
    }

    private static IEnumerable<string> Uses(JsonElement info)
    {
        foreach (string name in (string[])["arg-type", "ret-type", "element-type"])
        {
            if (info.TryGetProperty(name, out JsonElement used)) yield return used.GetString()!;
        }
        foreach (string list in (string[])["members", "variants"])
        {
            if (!info.TryGetProperty(list, out JsonElement members)) continue;
            foreach (JsonElement member in members.EnumerateArray())
            {
                if (member.TryGetProperty("type", out JsonElement used)) yield return used.GetString()!;
            }
        }
    }
}
