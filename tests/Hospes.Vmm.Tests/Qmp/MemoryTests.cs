using System.Text.Json;
using Hospes.Machine;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>Memory that comes and goes in blocks, as programs and people drive it. No driver looks: nothing is plugged in.</summary>
public sealed class MemoryTests
{
    private const ulong Size = 256 << 20, Block = 4 << 20;

    private const string Path = "\"path\":\"/machine/peripheral/m\"";

    private static readonly MemoryOptions s_memory = new(Size) { Id = "m", Backend = "mem0", BlockSize = Block, Requested = 2 * Block };

    [Fact]
    public void WithoutSuchMemoryThereIsNothingToTell()
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Do("query-memory-devices").GetArrayLength().ShouldBe(0);
        domain.Do("query-memory-size-summary").GetRawText().ShouldBe("""{"base-memory":16777216,"plugged-memory":0}""");
        domain.Ask("info memory-devices").ShouldBe("");
        domain.Ask("info memory_size_summary").ShouldBe("base memory: 16777216\nplugged memory: 0\n");
    }

    [Fact]
    public void ItIsToldOfAndChanged()
    {
        using var domain = new Monitored(RunningDomain.Options(s_memory));
        JsonElement device = domain.Do("query-memory-devices").EnumerateArray().Single();
        device.GetProperty("type").GetString().ShouldBe("virtio-mem");
        JsonElement data = device.GetProperty("data");
        data.GetProperty("id").GetString().ShouldBe("m");
        data.GetProperty("memdev").GetString().ShouldBe("/objects/mem0");
        Numbers(data, "memaddr", "requested-size", "size", "max-size", "block-size", "node").ShouldBe([0xC0_0000_0000, 2 * Block, 0, Size, Block, 0]);
        domain.Do("qom-set", $$"""{{{Path}},"property":"requested-size","value":268435456}""");
        Get(domain, "requested-size").ShouldBe(Size);
        domain.Do("qom-set", $$"""{{{Path}},"property":"requested-size","value":"8M"}""");
        new[] { "requested-size", "size", "block-size", "memaddr" }.Select(name => Get(domain, name)).ShouldBe([8 << 20, 0, Block, 0xC0_0000_0000]);
        domain.Ask("qom-set /machine/peripheral/m requested-size 12M").ShouldBe("");
        domain.Ask("qom-get /machine/peripheral/m requested-size").ShouldBe("12582912\n");
        domain.Ask("info memory-devices").ShouldBe(
            "Memory device [virtio-mem]: \"m\"\n  memaddr: 0xc000000000\n  node: 0\n  requested-size: 12582912\n  size: 0\n  max-size: 268435456\n  block-size: 4194304\n  memdev: /objects/mem0\n");
        domain.Do("qom-list", $$"""{{{Path}}}""").EnumerateArray().Select(static at => at.GetProperty("name").GetString())
            .ShouldBe(["type", "block-size", "memaddr", "memdev", "requested-size", "size"]);
        domain.Ask("info mtree").ShouldContain("virtio-mem");
    }

    [Theory]
    [InlineData("requested-size", "4194305", "'requested-size' has to be multiples of 'block-size' (0x400000)")]
    [InlineData("requested-size", "272629760", "'requested-size' cannot exceed the memory backend size (0x10000000)")]
    [InlineData("requested-size", "18446744073705357312", "'requested-size' cannot exceed the memory backend size (0x10000000)")]
    [InlineData("requested-size", "-4194304", "Invalid parameter type for 'requested-size', expected: size")]
    [InlineData("requested-size", "\"much\"", "Invalid parameter type for 'requested-size', expected: size")]
    [InlineData("requested-size", "null", "Invalid parameter type for 'requested-size', expected: size")]
    [InlineData("block-size", "4194304", "'block-size' cannot be changed after the device has been realized")]
    [InlineData("size", "4194304", "Insufficient permission to perform this operation")]
    [InlineData("type", "\"x\"", "Insufficient permission to perform this operation")]
    [InlineData("nope", "1", "Property 'virtio-mem-pci.nope' not found")]
    public void WhatIsNoSizeIsRefused(string property, string value, string words)
    {
        using var domain = new Monitored(RunningDomain.Options(s_memory));
        domain.Refuse("qom-set", $$"""{{{Path}},"property":"{{property}}","value":{{value}}}""").ShouldBe(words);
        Get(domain, "requested-size").ShouldBe(2 * Block);
    }

    [Fact]
    public void AChangeIsAnEvent()
    {
        using var domain = new Monitored(RunningDomain.Options(s_memory));
        domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
        PluggedMemory memory = domain.Domain.Control.Backends!.Memories.Single();
        memory.Changed!(memory);
        DomainEvent.MemoryChange change = domain.Domain.Next().ShouldBeOfType<DomainEvent.MemoryChange>();
        Vmm.Qmp.MemoryCommands.Describe(change).ToJsonString().ShouldBe("""{"id":"m","size":0,"qom-path":"/machine/peripheral/m"}""");
    }

    [Fact]
    public void PeopleAreToldWhatIsMissing()
    {
        using var domain = new Monitored(RunningDomain.Options(s_memory));
        domain.Ask("qom-set /machine/peripheral/m requested-size").ShouldStartWith("qom-set: a path, a property or a value is missing");
        domain.Ask("qom-get /machine/peripheral/m").ShouldStartWith("qom-get: a path or a property is missing");
        domain.Ask("qom-set /machine/peripheral/x requested-size 4M").ShouldBe("Error: Device '/machine/peripheral/x' not found\n");
        domain.Ask("qom-get /machine/peripheral/m nope").ShouldBe("Error: Property 'virtio-mem-pci.nope' not found\n");
        domain.Refuse("device_add", """{"driver":"virtio-mem-pci","memdev":"mem0","id":"n"}""").ShouldBe("Property 'virtio-mem-pci.memdev' can't find value 'mem0'");
    }

    private static ulong Get(Monitored domain, string property) => domain.Do("qom-get", $$"""{{{Path}},"property":"{{property}}"}""").GetUInt64();

    private static ulong[] Numbers(JsonElement data, params string[] names) => [.. names.Select(name => data.GetProperty(name).GetUInt64())];
}
