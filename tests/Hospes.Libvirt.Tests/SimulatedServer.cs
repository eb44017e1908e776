using System.Diagnostics;
using System.Text;
using Hospes.Domains;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Storage;
using Hospes.Libvirt.Server;

namespace Hospes.Libvirt.Tests;

/// <summary>A simulated host behind sockets of its own, and programs that talk to it.</summary>
public sealed class SimulatedServer : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lv").FullName;

    public SimulatedServer(LibvirtServerOptions? options = null, HostProfile? profile = null)
    {
        Driver = new SimulatedHost(TimeProvider.System, profile ?? SimulatedHost.DefaultProfile);
        Host = new DomainHost(new DomainHostOptions { Driver = Driver, Events = new EventLog(TimeProvider.System) });
        Pools = new StoragePools(new RawImages());
        options ??= new LibvirtServerOptions { Host = Host, Pools = Pools, SocketPath = "" };
        Server = new LibvirtServer(options with { Host = Host, SocketPath = SocketPath, ReadOnlySocketPath = ReadOnlySocketPath });
        Server.Start();
    }

    public SimulatedHost Driver { get; }

    public DomainHost Host { get; }

    public StoragePools Pools { get; }

    public LibvirtServer Server { get; }

    public string Folder => _folder;

    public string SocketPath => Path.Combine(_folder, "s");

    public string ReadOnlySocketPath => Path.Combine(_folder, "ro");

    public string Uri => $"hospes+unix:///system?socket={SocketPath}";

    /// <summary>A document of a small domain, as a file.</summary>
    public string File(string name, string more = "", string head = "<vcpu>2</vcpu>")
    {
        string path = Path.Combine(_folder, $"{name}.xml");
        System.IO.File.WriteAllText(path, $"""
            <domain type='qemu'><name>{name}</name>{head}<memory unit='MiB'>64</memory><os><type>hvm</type><kernel>/boot/vmlinuz</kernel></os>
            <devices>
              <disk type='file'><driver type='qcow2'/><source file='/var/lib/{name}.qcow2'/><target dev='vda'/></disk>
              <interface type='user'><mac address='52:54:00:12:34:56'/></interface>
              <serial type='pty'/>{more}
            </devices></domain>
            """);
        return path;
    }

    /// <summary>A document of anything, as a file.</summary>
    public string Document(string name, string xml)
    {
        string path = Path.Combine(_folder, $"{name}.xml");
        System.IO.File.WriteAllText(path, xml);
        return path;
    }

    /// <summary>Runs virsh; its output must be free of errors.</summary>
    public string Virsh(params string[] arguments)
    {
        (int status, string output, string error) = TryVirsh(arguments);
        status.ShouldBe(0, $"virsh {string.Join(' ', arguments)}: {error}");
        error.ShouldBeEmpty();
        return output.Trim();
    }

    /// <summary>Runs virsh, which is to fail, and gives what it says about it.</summary>
    public string VirshFails(params string[] arguments)
    {
        (int status, _, string error) = TryVirsh(arguments);
        status.ShouldNotBe(0);
        return error.Trim();
    }

    public (int Status, string Output, string Error) TryVirsh(params string[] arguments) => Run("virsh", null, ["-q", "-c", Uri, .. arguments]);

    public static (int Status, string Output, string Error) Run(string program, string? input, string[] arguments)
    {
        using Process process = Start(program, arguments);
        if (input is not null) process.StandardInput.Write(input);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit(120_000).ShouldBeTrue($"{program} hangs");
        return (process.ExitCode, output, error.Result);
    }

    public static Process Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8, StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["HOME"] = Path.GetTempPath();
        return Process.Start(start)!;
    }

    public void Dispose()
    {
        Server.Dispose();
        Host.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Images without a format, which need no reader.</summary>
internal sealed class RawImages : IDiskImages
{
    public Outcome<DiskImageInfo> Inspect(string path, string? format) => new FileInfo(path) is { Exists: true } file
        ? new DiskImageInfo("raw", (ulong)file.Length, (ulong)file.Length, (ulong)file.Length)
        : new DomainFailure(DomainError.System, $"there is no '{path}'");

    public DomainFailure? Create(string path, NewDiskImage image)
    {
        using FileStream file = File.Create(path);
        file.SetLength((long)image.Capacity);
        return null;
    }

    public DomainFailure? Copy(string source, string? sourceFormat, string path, NewDiskImage image)
    {
        File.Copy(source, path);
        return null;
    }

    public DomainFailure? Resize(string path, string format, ulong capacity)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength((long)capacity);
        return null;
    }
}
