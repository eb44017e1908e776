using Hospes.Domains.Catalogues;
using Hospes.Domains.Networks;
using Hospes.Domains.Storage;

namespace Hospes.Domains.Tests.Storage;

/// <summary>Pools and networks across daemons, and what their documents are refused for.</summary>
public sealed class CatalogueTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("catalogue").FullName;

    private string State => Path.Combine(_folder, "state");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void WhatWasActiveOrIsMarkedIsActiveAgain()
    {
        var networks = new VirtualNetworks(State);
        networks.All.IsNew.ShouldBeTrue();
        foreach (string name in (string[])["active", "marked", "off"]) networks.Define(Network(name)).Failure.ShouldBeNull();
        networks.Start(Id(networks, "active")).Failure.ShouldBeNull();
        networks.All.SetAutostart(Id(networks, "marked"), true).Failure.ShouldBeNull();
        networks.Create(Network("passing")).Failure.ShouldBeNull();
        Guid kept = Id(networks, "active");

        networks = new VirtualNetworks(State);
        networks.All.IsNew.ShouldBeFalse();
        networks.Recover().ShouldBeEmpty();
        networks.All.List().Select(static item => (item.Config.Name, item.IsActive, item.Autostart)).ShouldBe([("active", true, false), ("marked", true, true), ("off", false, false)]);
        Id(networks, "active").ShouldBe(kept);
        networks.All.Stop(kept).Failure.ShouldBeNull();
        networks.All.Undefine(Id(networks, "off"), evenActive: true).Failure.ShouldBeNull();

        networks = new VirtualNetworks(State);
        networks.Recover().ShouldBeEmpty();
        networks.All.List().Select(static item => (item.Config.Name, item.IsActive)).ShouldBe([("active", false), ("marked", true)]);
    }

    [Fact]
    public void APoolWithoutItsFolderIsToldOf()
    {
        string target = Path.Combine(_folder, "pool");
        var pools = new StoragePools(null!, State);
        pools.Define(Pool("p", target)).Failure.ShouldBeNull();
        pools.Start(pools.Pools.Find("p").Value.Config.Uuid, build: true).Failure.ShouldBeNull();
        Directory.Delete(target);
        File.WriteAllText(Path.Combine(State, "bad.xml"), "<pool");
        pools = new StoragePools(null!, State);
        pools.Recover().Order().ShouldBe(["the definition of the storage pool bad cannot be read: " + PoolConfig.Read("<pool", Guid.Parse).Failure!.Detail, $"the storage pool p cannot be started: cannot open directory '{target}': No such file or directory"]);
        pools.Pools.Find("p").Value.IsActive.ShouldBeFalse();
    }

    [Fact]
    public void NamesAndIdentitiesAreUnique()
    {
        var networks = new VirtualNetworks();
        Guid uuid = networks.Define(Network("a")).Value.Config.Uuid;
        networks.Define(Network("a")).Value.Config.Uuid.ShouldBe(uuid, "it is defined anew");
        networks.Define($"<network><name>b</name><uuid>{uuid}</uuid><forward/></network>").Failure!.Detail.ShouldContain("already defined with uuid");
        networks.Define($"<network><name>a</name><uuid>{Guid.NewGuid()}</uuid><forward/></network>").Failure!.Detail.ShouldContain("already exists with uuid");
        networks.All.Find("c").Failure!.Error.ShouldBe(DomainError.NoNetwork);
        networks.All.Stop(uuid).Failure!.Error.ShouldBe(DomainError.InvalidState);
    }

    [Theory]
    [InlineData("<pool type='dir'><name>p</name></pool>", "missing storage pool target path")]
    [InlineData("<pool type='dir'><name>p</name><target><path>relative</path></target></pool>", "is not absolute")]
    [InlineData("<pool type='dir'><name>..</name><target><path>/x</path></target></pool>", "invalid storage pool name '..'")]
    [InlineData("<pool type='logical'><name>p</name><target><path>/x</path></target></pool>", "type 'logical' are not supported")]
    [InlineData("<network/>", "expecting <pool>")]
    public void PoolsAreRefusedForTheirFault(string xml, string words) => PoolConfig.Read(xml, static _ => Guid.NewGuid()).Failure!.Detail.ShouldContain(words);

    [Theory]
    [InlineData("<volume><name>v</name></volume>", "missing capacity element")]
    [InlineData("<volume><name>a/b</name><capacity>1</capacity></volume>", "invalid volume name 'a/b'")]
    [InlineData("<volume><name>v</name><capacity>1</capacity><target><format type='vmdk'/></target></volume>", "format 'vmdk' are not supported")]
    [InlineData("<volume><name>v</name><capacity>1</capacity><backingStore><path>/b</path></backingStore></volume>", "a raw volume has no backing store")]
    [InlineData("<volume><name>v</name><capacity unit='EiB'>9</capacity></volume>", "size value too large")]
    [InlineData("<volume type='block'><name>v</name><capacity>1</capacity></volume>", "type 'block' are not supported")]
    public void VolumesAreRefusedForTheirFault(string xml, string words) => VolumeConfig.Read(xml).Failure!.Detail.ShouldContain(words);

    private static Guid Id(VirtualNetworks networks, string name) => networks.All.Find(name).Value.Config.Uuid;

    private static string Network(string name) => $"<network><name>{name}</name><forward mode='nat'/></network>";

    private static string Pool(string name, string path) => $"<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>";
}
