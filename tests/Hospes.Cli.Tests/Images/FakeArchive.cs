using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Hospes.Cli.Tests.Images;

/// <summary>A Debian archive of three small packages on a loopback server, signed with a key of its own.</summary>
internal sealed class FakeArchive : IDisposable
{
    public const string Kernel = "linux-image-6.1.0-1-cloud-amd64";
    public const string KernelPath = "/debian/pool/main/l/linux/linux-image+1_amd64.deb";
    public const string BusyboxPath = "/debian/pool/main/b/busybox/busybox-static_1_amd64.deb";

    private readonly TemporaryFolder _folder;
    private readonly string _home;

    public FakeArchive(TemporaryFolder folder)
    {
        _folder = folder;
        // gpg's agent makes sockets in its folder, whose path must stay short.
        _home = Directory.CreateTempSubdirectory("hg-").FullName;
        Gpg("--batch", "--passphrase", "", "--quick-gen-key", "Fake Archive <fake@archive.example>", "ed25519", "sign", "never");
        Gpg("--batch", "--yes", "--output", Keyring, "--export");
        KernelPackage = FakeDeb.Make(("./boot/vmlinuz-6.1.0-1-cloud-amd64", "the kernel"), ("./lib/modules/6.1.0-1-cloud-amd64/a.ko", "a module"));
        BusyboxPackage = FakeDeb.Make(("./bin/busybox", "the box"));
        Publish();
    }

    public LoopbackServer Server { get; } = new();

    public string Address => Server.Address + "/debian";

    public string Keyring => _folder.At("fake.gpg");

    public byte[] KernelPackage { get; set; }

    public byte[] BusyboxPackage { get; set; }

    public string Origin { get; set; } = "Debian";

    public string Codename { get; set; } = "bookworm";

    public bool ByHash { get; set; } = true;

    public string MetaDepends { get; set; } = Kernel + " (= 6.1-1)";

    public string IndexTail { get; set; } = "";

    /// <summary>Puts the packages, the index and the signed head on the server.</summary>
    public void Publish()
    {
        Server.Files.Clear();
        Server.Files[KernelPath] = KernelPackage;
        Server.Files[BusyboxPath] = BusyboxPackage;
        string index = Describe("linux-image-cloud-amd64", "6.1-1", KernelPath, KernelPackage, MetaDepends)
            + Describe(Kernel, "6.1-1", KernelPath, KernelPackage, "kmod")
            + Describe("busybox-static", "1:1.35", BusyboxPath, BusyboxPackage, "") + IndexTail;
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) zip.Write(Encoding.UTF8.GetBytes(index));
        byte[] bytes = packed.ToArray();
        string digest = Digest(bytes);
        const string Suite = "/debian/dists/bookworm";
        Server.Files[ByHash ? $"{Suite}/main/binary-amd64/by-hash/SHA256/{digest}" : $"{Suite}/main/binary-amd64/Packages.gz"] = bytes;
        string release = $"Origin: {Origin}\nLabel: {Origin}\nSuite: oldstable\nVersion: 12.99\nCodename: {Codename}\nAcquire-By-Hash: {(ByHash ? "yes" : "no")}\n"
            + $"Architectures: all amd64\nComponents: main\nDescription: - a line to escape\nSHA256:\n {digest} {bytes.Length} main/binary-amd64/Packages.gz\n";
        Server.Files[$"{Suite}/InRelease"] = Sign(release);
    }

    public void Dispose()
    {
        Server.Dispose();
        HospesProgram.HostAsync("gpgconf", ["--homedir", _home, "--kill", "all"]).GetAwaiter().GetResult();
        Directory.Delete(_home, recursive: true);
    }

    public byte[] Sign(string text)
    {
        string file = _folder.Write("release", text);
        Gpg("--batch", "--yes", "--clear-sign", "--output", file + ".asc", file);
        return File.ReadAllBytes(file + ".asc");
    }

    private static string Describe(string name, string version, string path, byte[] data, string depends) =>
        $"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDepends: {depends}\nFilename: {path["/debian/".Length..]}\nSize: {data.Length}\nSHA256: {Digest(data)}\n\n";

    private static string Digest(byte[] data) => Convert.ToHexStringLower(SHA256.HashData(data));

    private void Gpg(params string[] arguments)
    {
        Ran ran = HospesProgram.HostAsync("gpg", ["--homedir", _home, .. arguments]).GetAwaiter().GetResult();
        ran.Status.ShouldBe(0, ran.Error);
    }
}
