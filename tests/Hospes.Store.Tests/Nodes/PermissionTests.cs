using Hospes.Store.Engine;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Nodes;

/// <summary>Who may do what (xenstore.txt, the paragraph on permission entries; SET_TARGET).</summary>
public sealed class PermissionTests
{
    private readonly StoreHarness _store = new();
    private readonly Session _guest;

    public PermissionTests()
    {
        _store.Introduce(5);
        _guest = _store.Open(5);
        _store.Write(_store.Control, "/local/domain/5", "");
        _store.SetPermissions(_store.Control, "/local/domain/5", "n5");
    }

    [Fact]
    public void AGuestOwnsWhatItCreatesAndInheritsTheRest()
    {
        _store.SetPermissions(_store.Control, "/local/domain/5", "n5 r7");
        _store.Write(_guest, "data/x", "1").ShouldBe("OK");
        _store.Permissions(_store.Control, "/local/domain/5/data/x").ShouldBe("n5 r7");
    }

    [Fact]
    public void TheControlDomainsNodesInheritTheOwner()
    {
        _store.Write(_store.Control, "/local/domain/5/by0", "1");
        _store.Permissions(_store.Control, "/local/domain/5/by0").ShouldBe("n5");
    }

    [Fact]
    public void AGuestSeesNothingOfWhatIsHidden()
    {
        _store.Write(_store.Control, "/secret/a", "1");
        _store.Read(_guest, "/secret/a").ShouldBe("EACCES");
        _store.Read(_guest, "/secret/none").ShouldBe("EACCES");
        _store.List(_guest, "/").ShouldBe("EACCES");
        _store.Write(_guest, "/mine", "1").ShouldBe("EACCES");
        _store.Remove(_guest, "/secret").ShouldBe("EACCES");
        _store.Permissions(_guest, "/secret").ShouldBe("EACCES");
    }

    [Fact]
    public void AbsenceIsToldWhereTheAncestorMayBeRead() => _store.Read(_guest, "none/below").ShouldBe("ENOENT");

    [Theory]
    [InlineData("n0", "EACCES", "EACCES")]
    [InlineData("r0", "v", "EACCES")]
    [InlineData("w0", "EACCES", "OK")]
    [InlineData("b0", "v", "OK")]
    [InlineData("n0 r5", "v", "EACCES")]
    [InlineData("n0 w5", "EACCES", "OK")]
    [InlineData("b0 n5", "EACCES", "EACCES")]
    [InlineData("n0 r7", "EACCES", "EACCES")]
    [InlineData("n0 b7 b5", "v", "OK")]
    [InlineData("n5", "v", "OK")]
    public void EntriesGrantWhatTheySay(string entries, string read, string write)
    {
        _store.Write(_store.Control, "/node", "v");
        _store.SetPermissions(_store.Control, "/node", entries).ShouldBe("OK");
        _store.Read(_guest, "/node").ShouldBe(read);
        _store.Write(_guest, "/node", "v").ShouldBe(write);
    }

    [Fact]
    public void OnlyTheOwnerSetsPermissionsAndOnlyControlTheOwner()
    {
        _store.Write(_guest, "x", "1");
        _store.SetPermissions(_guest, "x", "n5 r0").ShouldBe("OK");
        _store.SetPermissions(_guest, "x", "n6").ShouldBe("EPERM");
        _store.Write(_store.Control, "/open", "");
        _store.SetPermissions(_store.Control, "/open", "b0");
        _store.SetPermissions(_guest, "/open", "n5").ShouldBe("EACCES");
    }

    [Fact]
    public void AnEntryForAnyDomainCountsWithoutOneOfItsOwn()
    {
        _store.Write(_store.Control, "/node", "v");
        _store.SetPermissions(_store.Control, "/node", $"n0 r{XsWire.DomainAny}").ShouldBe("OK");
        _store.Read(_guest, "/node").ShouldBe("v");
    }

    [Fact]
    public void AnOwnerThatCannotExistIsRefused() => _store.SetPermissions(_store.Control, "/tool", "n40000").ShouldBe("ENOENT");

    [Fact]
    public void ATargetsRightsAreInherited()
    {
        _store.Introduce(6);
        Session stub = _store.Open(6);
        _store.Write(_guest, "x", "1");
        _store.Read(stub, "/local/domain/5/x").ShouldBe("EACCES");
        StoreHarness.Outcome(_store.Call(_store.Control, XsMessageType.SetTarget, "6|5|")).ShouldBe("OK");
        _store.Read(stub, "/local/domain/5/x").ShouldBe("1");
        _store.Write(stub, "/local/domain/5/x", "2").ShouldBe("OK");
        _store.Read(_guest, "/local/domain/6").ShouldBe("EACCES");
    }

    [Theory]
    [InlineData(XsMessageType.Control, "help|")]
    [InlineData(XsMessageType.Introduce, "7|1|1|")]
    [InlineData(XsMessageType.Release, "7|")]
    [InlineData(XsMessageType.Resume, "7|")]
    [InlineData(XsMessageType.SetTarget, "7|8|")]
    [InlineData(XsMessageType.IsDomainIntroduced, "7|")]
    [InlineData(XsMessageType.SetFeature, "7|0|")]
    [InlineData(XsMessageType.GetQuota, "")]
    [InlineData(XsMessageType.SetQuota, "nodes|1|")]
    [InlineData(XsMessageType.GetFeature, "7|")]
    public void PrivilegedRequestsAreRefusedToGuests(XsMessageType type, string payload) =>
        StoreHarness.Outcome(_store.Call(_guest, type, payload)).ShouldBe("EACCES");
}
